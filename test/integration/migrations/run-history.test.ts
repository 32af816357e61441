import { OperatorError } from '../../../src/index.js'
import { splitStatements } from '../../../src/migrations/ledger/split-statements.js'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { untilRows } from '../../support/until.js'
import { MIGRATION_COUNT, UPDATE_COUNT } from '../../support/migration-list.js'

interface Run {
  readonly command: string
  readonly outcome: string
  readonly durationMs: number | null
  readonly error: { readonly code: string; readonly sqlState: string | null; readonly message: string | null } | null
  readonly archivedMessages: number | null
  readonly steps: readonly {
    readonly action: string
    readonly migration: string | null
    readonly detail: { readonly sql?: string }
  }[]
}

const runsOf = async (database: TestDatabase): Promise<readonly Run[]> => {
  const { exitCode, stdout } = await on(database, 'migrate', '--history', '--json')
  expect(exitCode).toBe(0)
  return (JSON.parse(stdout) as { readonly runs: readonly Run[] }).runs
}

const outcomes = async (database: TestDatabase) =>
  (await runsOf(database)).map(({ command, outcome, steps }) => `${command} ${outcome} ${steps.length}`)

describe('migrate --history', () => {
  test('says so where nothing was ever done, and changes nothing', async ({ database }) => {
    const { exitCode, stdout } = await on(database, 'migrate', '--history')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(
      /^history {2}\S+ on \S+ as \S+ {2}schema public\n\nno history: chatkeep has changed nothing here yet\n$/,
    )
    expect(await database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'chatkeep%'`)).toEqual([])
  })

  test('shows every run with who, when, what and how it ended', async ({ database }) => {
    await migrated(database, 'crm-before')
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    const env = { DATABASE_URL: database.url, NO_COLOR: '1' }
    const { stdout } = await runChatkeep(['migrate', '--history'], { env, columns: 200 })
    const [title, , head, rule, ...lines] = stdout.trimEnd().split('\n')
    expect(title).toMatch(new RegExp(`^history  ${database.name} on \\S+ as \\S+  schema public$`))
    expect(head).toMatch(/^ began \(UTC\) +\| by +\| version \| what +\| plan +\| took +\| outcome$/)
    expect(rule).toMatch(/^[-+]+$/)
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^ \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d \\| \\S+ +\\| \\d.*migrate: 1 recorded, ${UPDATE_COUNT} applied +\\|.*\\| done$`,
        ),
      ),
      expect.stringMatching(new RegExp(`rollback: ${UPDATE_COUNT} undone.*\\| done$`)),
    ])
  })

  test('is not added to by a run that finds nothing to do, nor by a look', async ({ database }) => {
    await migrated(database, 'crm-before')
    await on(database, 'migrate')
    await on(database, 'migrate', '--dry-run')
    expect(await outcomes(database)).toEqual([`migrate done ${MIGRATION_COUNT}`])
  })

  test('keeps what was applied, word for word', async ({ database }) => {
    await migrated(database, 'crm-before')
    const [run] = await runsOf(database)
    const step = run?.steps.find(({ migration }) => migration === '3_index-guest-username')
    expect(step?.action).toBe('apply')
    expect(step?.detail.sql).toContain('CREATE INDEX CONCURRENTLY "ChatMessage_guestUsername_createdAt_idx"')
  })

  test('distinguishes failed, interrupted, killed and running runs', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const reader = await database.client()
    await reader.query('BEGIN; SELECT FROM "ChatMessage" LIMIT 1')
    expect((await on(database, 'migrate', '--max-wait', '300ms')).exitCode).toBe(4)

    const interruption = new AbortController()
    const interrupted = runChatkeep(['migrate', '--database-url', database.url], {
      signal: interruption.signal,
      onStderr: (text) => {
        if (text.includes('waiting'))
          interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: 130 }))
      },
    })
    expect((await interrupted).exitCode).toBe(130)

    const killed = runChatkeep(['migrate', '--database-url', database.url])
    const running = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^chatkeep migrate'`
    await untilRows(database, `${running} AND wait_event_type = 'Lock'`, { what: 'the run waits' })
    expect(await outcomes(database)).toEqual(['migrate failed 1', 'migrate interrupted 0', 'migrate running 0'])
    // It may be between two attempts to get the lock.
    await database.query(`SELECT pg_terminate_backend(pid) FROM (${running}) AS r`)
    expect((await killed).exitCode).toBe(3)
    await reader.query('COMMIT')
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await outcomes(database)).toEqual([
      'migrate failed 1',
      'migrate interrupted 0',
      'migrate cut 0',
      `migrate done ${UPDATE_COUNT}`,
    ])
    const [failed] = await runsOf(database)
    expect(failed?.error).toMatchObject({ code: expect.any(String) as string, message: expect.any(String) as string })
    const { stdout } = await on(database, 'migrate', '--history')
    expect(stdout).toContain(` failed: ${failed?.error?.message}`)
  })

  test('says why a run failed, without values of rows, and what a rollback had archived by then', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    await database.load(`
      INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType")
      SELECT 'guest ' || n, 'CLIENT', 'TEXT' FROM generate_series(1, 7) AS n;
      CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not on a Friday, said maria'; END $$;
      CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('DROP INDEX') EXECUTE FUNCTION refuse()`)
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(1)
    const run = (await runsOf(database)).at(-1)
    expect(run).toMatchObject({
      outcome: 'failed',
      archivedMessages: 7,
      error: { code: 'migration_failed', sqlState: 'P0001', message: null },
    })
    const { stdout } = await on(database, 'migrate', '--history')
    expect(stdout).toContain('7 messages archived')
    expect(stdout).toMatch(/ failed: migration_failed \[P0001\]\n$/)
    expect(stdout).not.toContain('maria')
  })

  test('does not call a script done that failed halfway', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { stdout: script } = await on(database, 'migrate', '--sql', 'statements')
    const client = await database.client()
    // A client that goes on after errors.
    const { pid } = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0] ?? {}
    for (const { sql } of await splitStatements(script))
      await client
        .query(sql.startsWith('CREATE INDEX CONCURRENTLY "ChatMessage_clientSocketId') ? 'SELECT 1/0' : sql)
        .catch(() => undefined)
    expect(await outcomes(database)).toEqual(['migrate running 3'])
    await client.end()
    await untilRows(database, `SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ${pid})`, {
      what: 'its session is gone',
    })
    expect(await outcomes(database)).toEqual(['migrate cut 3'])
  })
})
