import { loadFixture } from '../../support/fixtures.js'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { until, untilRows } from '../../support/until.js'
import { MIGRATION_COUNT } from '../../support/migration-list.js'

const INDEX = '"ChatMessage_guestUsername_createdAt_idx"'

const WAITING_BUILD = `
  SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONCURRENTLY%'`

/** A session that holds on to what it wrote, so that a concurrent build waits for it. */
const openWriter = async (database: TestDatabase) => {
  const writer = await database.client({ application_name: 'slow writer' })
  await writer.query('BEGIN')
  await writer.query(`UPDATE "ChatMessage" SET "text" = 'a secret of somebody' WHERE id = 1`)
  return writer
}

const pidOf = async (client: Awaited<ReturnType<typeof openWriter>>): Promise<number> => {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"')
  return rows[0]?.pid ?? 0
}

const untilSaid = (said: () => string, wanted: RegExp): Promise<boolean> =>
  until(() => wanted.test(said()), { what: `migrate wrote ${wanted.source}` })

/** Waits until migrate has looked that many times at who blocks it. */
const untilLooked = async (database: TestDatabase, times: number): Promise<void> => {
  const watching = `
    SELECT query_start::text AS "at" FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%pg_blocking_pids%' AND pid <> pg_backend_pid()`
  const seen = new Set<unknown>()
  const look = async (): Promise<boolean> => {
    for (const { at } of await database.query(watching)) seen.add(at)
    return seen.size >= times
  }
  await until(look, { what: `migrate looked ${times} times at who blocks it` })
}

describe('while it waits, migrate reports', () => {
  test('which transactions an index waits for, in one line for each change, and goes on when they end', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    await database.query(`DROP INDEX ${INDEX}`)
    const writer = await openWriter(database)
    let said = ''
    const run = runChatkeep(['migrate', '--database-url', database.url], { onStderr: (text) => (said += text) })
    await untilSaid(() => said, /older transactions/)
    await untilRows(database, WAITING_BUILD, { what: 'the index build waits' })
    await untilLooked(database, 3)
    const { rows } = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"')
    await writer.query('COMMIT')
    const { exitCode, stderr } = await run
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toContain(
      `waiting for older transactions to end: blocked by pid ${rows[0]?.pid} (slow writer, as ${writer.user}, idle in transaction for `,
    )
    expect(stderr.match(/older transactions/g)).toHaveLength(1)
    expect(stderr).toContain('repaired 3_index-guest-username')
  })

  test('programs one JSON document a line on stderr, and the answer alone on stdout', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const writer = await openWriter(database)
    let said = ''
    const run = runChatkeep(['migrate', '--json', '--database-url', database.url], {
      onStderr: (text) => (said += text),
    })
    await untilSaid(() => said, /"type":"retrying"/)
    const pid = await pidOf(writer)
    await writer.query('COMMIT')
    const { exitCode, stdout, stderr } = await run
    expect(exitCode, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, alreadyDone: 0 })
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events.find(({ type }) => type === 'retrying')).toMatchObject({
      what: '"ChatMessage"',
      attempt: 1,
      maxWaitMs: 30_000,
      blockers: [{ pid, user: writer.user, application: 'slow writer', state: 'idle in transaction', query: null }],
    })
    expect(events.filter(({ type }) => type === 'done')).toHaveLength(MIGRATION_COUNT)
    expect(stderr).not.toContain('secret')
  })

  test('what blocks is running, only when that is asked for', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const writer = await openWriter(database)
    const argv = ['migrate', '--max-wait', '500ms', '--lock-timeout', '250ms', '--database-url', database.url]
    const quiet = await runChatkeep(argv)
    const open = await runChatkeep([...argv, '--show-queries'])
    await writer.query('ROLLBACK')
    expect([quiet.exitCode, open.exitCode]).toEqual([4, 4])
    expect(quiet.stderr).toContain('slow writer')
    expect(quiet.stderr).not.toContain('secret')
    expect(open.stderr).toContain(`query: UPDATE "ChatMessage" SET "text" = 'a secret of somebody' WHERE id = 1`)
  })

  test('that a program in the way is an autovacuum, and how that steps aside', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    // Its name is what an autovacuum is known by.
    const impostor = await database.client({ application_name: 'autovacuum worker' })
    await impostor.query('BEGIN; LOCK TABLE "ChatMessage" IN SHARE UPDATE EXCLUSIVE MODE')
    const { exitCode, stderr } = await on(database, 'migrate', '--max-wait', '300ms')
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('--lock-timeout 1500ms')])
  })
})

describe('the time-outs of migrate', () => {
  // Superusers alone can make event triggers: one notes what each statement of ours may cost.
  const NOTE_TIMEOUTS = `
    CREATE TABLE noted (tag text, lock_timeout text, statement_timeout text);
    CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO noted VALUES (tg_tag, current_setting('lock_timeout'), current_setting('statement_timeout'));
    END $$;
    CREATE EVENT TRIGGER note ON ddl_command_start EXECUTE FUNCTION note()`

  const noted = (database: TestDatabase) =>
    database.query(
      `SELECT DISTINCT * FROM noted WHERE tag IN ('ALTER TABLE', 'CREATE INDEX') ORDER BY tag, lock_timeout`,
    )

  test('are short for what stops others and long for what does not', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(NOTE_TIMEOUTS)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await noted(database)).toEqual([
      { tag: 'ALTER TABLE', lock_timeout: '300ms', statement_timeout: '12h' },
      { tag: 'CREATE INDEX', lock_timeout: '0', statement_timeout: '12h' },
      // Of chatkeep's own tables, which nobody uses yet.
      { tag: 'CREATE INDEX', lock_timeout: '300ms', statement_timeout: '12h' },
    ])
  })

  test('can be chosen', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(NOTE_TIMEOUTS)
    expect((await on(database, 'migrate', '--lock-timeout', '50ms', '--statement-timeout', '10m')).exitCode).toBe(0)
    expect((await noted(database))[0]).toEqual({
      tag: 'ALTER TABLE',
      lock_timeout: '50ms',
      statement_timeout: '10min',
    })
  })

  test('end a statement that takes too long, name the flag, and leave a state that the next run repairs', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    await database.query(`DROP INDEX ${INDEX}`)
    const writer = await openWriter(database)
    const { exitCode, stderr } = await on(database, 'migrate', '--statement-timeout', '1s')
    expect(exitCode).toBe(3)
    expect(stderr).toContain(
      'error: migrations/3_index-guest-username.sql:2:1: canceling statement due to statement timeout',
    )
    expect(stderr).toContain('hint: raise --statement-timeout')
    expect(stderr).toContain(`${INDEX} is INVALID`)
    await writer.query('COMMIT')
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect((await on(database, 'verify')).exitCode).toBe(0)
  })

  test.for(['--lock-timeout 1ms', '--lock-timeout 2m', '--statement-timeout 5ms', '--statement-timeout soon'])(
    'refuse %s',
    async (flag, { database }) => {
      const { exitCode, stderr } = await on(database, 'migrate', ...flag.split(' '))
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Write a duration')])
    },
  )
})
