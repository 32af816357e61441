import { migrated } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { SHOP } from '../../support/transcript.js'
import { until } from '../../support/until.js'
import { OperatorError } from '../../../src/errors.js'

/** A session that has locked something and forgotten it. */
const locked = async (database: TestDatabase, what: string) => {
  const holder = await database.client({ application_name: 'report-job' })
  await holder.query(`BEGIN; LOCK TABLE ${what} IN ACCESS EXCLUSIVE MODE`)
  const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"')
  const [{ pid } = { pid: 0 }] = rows
  return { holder, pid, named: `pid ${pid} (report-job, as ${holder.user}, idle in transaction for ` }
}

const WAITS = ['--max-wait', '300ms']

const COMMANDS: readonly (readonly string[])[] = [
  ['migrate', '--yes', ...WAITS],
  ['migrate', '--dry-run', ...WAITS],
  ['migrate', '--sql', ...WAITS],
  ['rollback', '--confirm', 'NAME', ...WAITS],
  ['rollback', '--dry-run', ...WAITS],
  ['rollback', '--sql', ...WAITS],
  ['reconcile', ...WAITS],
  ['reconcile', '--dry-run', ...WAITS],
  ['verify', '--probe'],
  ['verify', '--format', 'github'],
  ['metrics'],
  ['replay', SHOP, '--check-only'],
  ['replay', SHOP],
  ['replay', '--scenario', 'guest-flow'],
  ['serve', '--port', '0'],
  ['retain', '--older-than', '2026-01-01', ...WAITS],
  ['erase', '--username', 'maria', ...WAITS],
  ['export', '--username', 'maria', ...WAITS],
]

const on = (database: TestDatabase, argv: readonly string[], more: Parameters<typeof runChatkeep>[1] = {}) =>
  runChatkeep([...argv.map((word) => word.replace('NAME', database.name)), '--database-url', database.url], more)

interface Document {
  readonly ok: boolean
  readonly error?: { readonly code: string; readonly blockers: readonly unknown[] }
  readonly summary?: { readonly errors: number; readonly unknown: number }
  readonly findings?: readonly { readonly check: string; readonly isUnknown: boolean }[]
  readonly metrics?: readonly { readonly name: string; readonly value: number | null }[]
  readonly lock?: { readonly what: string; readonly blockers: readonly unknown[] }
}

const documentOf = ({ stdout }: Run): Document => JSON.parse(stdout) as Document

describe('while a table is locked', () => {
  test('every command names who holds it and how to end that, and ends with 4; migrate --history needs no table', async ({
    database,
  }) => {
    await migrated(database, 'hand-migrated')
    const { pid, named } = await locked(database, '"ChatMessage"')
    const runs = await Promise.all(
      [...COMMANDS, ['migrate', '--history']].map(async (argv) => [argv.join(' '), await on(database, argv)] as const),
    )
    for (const [command, { exitCode, stdout, stderr }] of runs) {
      const all = stdout + stderr
      expect([command, exitCode, all]).toEqual([command, command === 'migrate --history' ? 0 : 4, all])
      if (exitCode === 0) continue
      expect([command, all]).toEqual([command, expect.stringContaining(named)])
      expect([command, all]).toEqual([command, expect.stringContaining(`SELECT pg_terminate_backend(${pid});`)])
    }
  })

  test('--json has the same facts, and what could be read', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const { pid } = await locked(database, '"ChatMessage"')
    const [migrate, verify, metrics] = await Promise.all(
      [['migrate', '--dry-run', ...WAITS], ['verify'], ['metrics']].map(async (argv) =>
        documentOf(await on(database, [...argv, '--json'])),
      ),
    )
    const blockers = [{ pid, application: 'report-job', state: 'idle in transaction', query: null }]
    expect(migrate).toMatchObject({ ok: false, error: { code: 'table_busy', blockers } })
    expect(verify).toMatchObject({ ok: false, summary: { errors: 0 } })
    const unknown = verify?.findings?.filter(({ isUnknown }) => isUnknown).map(({ check }) => check)
    expect(unknown).toEqual(expect.arrayContaining(['guest-update', 'doubled-keys']))
    expect(unknown).toHaveLength(verify?.summary?.unknown ?? 0)
    expect(unknown).not.toContain('migration-history')
    expect(metrics).toMatchObject({ ok: false, lock: { what: '"ChatMessage"', blockers } })
    expect(Object.fromEntries(metrics?.metrics?.map(({ name, value }) => [name, typeof value]) ?? [])).toMatchObject({
      clients_created: 'number',
      guest_messages: 'object',
      messages_without_client: 'object',
      waiting_sessions: 'number',
    })
  })

  test('what verify found for certain makes its exit code 1', async ({ database }) => {
    await migrated(database)
    await database.load('ALTER TABLE "ChatMessage" DROP COLUMN "guestPhone"')
    await locked(database, '"ChatMessage"')
    const { exitCode, stdout } = await on(database, ['verify'])
    expect([exitCode, stdout]).toEqual([
      1,
      expect.stringMatching(/^error column_missing: [^]*^unknown not_checked_in_time: guest-update/m),
    ])
  })

  test("so is a table of chatkeep's own: verify checks all but the history", async ({ database }) => {
    await migrated(database)
    const { named } = await locked(database, 'chatkeep.migrations')
    const { exitCode, stdout } = await on(database, ['verify', '--format', 'junit'])
    expect(exitCode).toBe(4)
    expect(stdout).toContain(`chatkeep.migrations is locked by ${named}`)
    expect(stdout).toMatch(/name="migration-history"><error type="not_checked_in_time"/)
    expect(stdout).toContain('name="own-schema"/>')
  })

  test('migrate says first which database it waits for, and goes on when the table is free', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { holder, named } = await locked(database, '"Client"')
    let said = ''
    const run = on(database, ['migrate', '--yes'], { onStderr: (text) => (said += text) })
    await until(() => said.includes('waiting'), { what: 'migrate waits' })
    await holder.query('ROLLBACK')
    const { exitCode, stderr } = await run
    expect(exitCode, stderr).toBe(0)
    const [first = '', second = ''] = stderr.split('\n')
    expect(first).toContain(`migrate  ${database.name} on `)
    expect(second).toMatch(/^waiting .*for "Client".*: blocked by /)
    expect(second).toContain(named)
    expect(stderr.match(/^migrate {2}/gm)).toHaveLength(1)
  })

  test('Ctrl-C ends the wait', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await locked(database, '"ChatMessage"')
    const interruption = new AbortController()
    const run = on(database, ['migrate', '--yes'], {
      signal: interruption.signal,
      onStderr: (text) => {
        if (text.includes('waiting'))
          interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: 130 }))
      },
    })
    expect((await run).exitCode).toBe(130)
  })

  test('a lock time-out that is too short to look at who waits names the holder, too', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const writer = await database.client({ application_name: 'writer' })
    await writer.query('BEGIN; LOCK TABLE "ChatMessage" IN ROW EXCLUSIVE MODE')
    const { exitCode, stderr } = await on(database, ['migrate', '--yes', '--lock-timeout', '10ms', ...WAITS])
    expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/ "ChatMessage" .*\(writer, as /)])
  })

  test('replay names the holder although nobody could look while it waited', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(
        `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}; ALTER ROLE ${name} CONNECTION LIMIT 1`,
      )
      const { pid } = await locked(database, '"ChatMessage"')
      const { exitCode, stderr } = await runChatkeep(['replay', SHOP, '--check-only', '--database-url', url])
      expect([exitCode, stderr]).toEqual([
        4,
        expect.stringContaining(`"ChatMessage" is locked by pid ${pid} (report-job`),
      ])
      expect(stderr).toContain(`SELECT pg_terminate_backend(${pid});`)
    })
  })

  test('a role that may not see what the holder does is told so', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`)
      const { pid } = await locked(database, '"ChatMessage"')
      const { exitCode, stdout } = await runChatkeep(['metrics', '--database-url', url])
      expect(exitCode).toBe(4)
      expect(stdout).toMatch(new RegExp(`locked by pid ${pid} \\(report-job, as \\w+, state hidden from this role\\)`))
      expect(stdout).toContain('a role with pg_read_all_stats sees what the session does')
    })
  })
})
