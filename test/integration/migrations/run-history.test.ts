import { OperatorError } from '../../../src/index.js'
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
    expect([exitCode, stdout]).toEqual([
      0,
      `no history: chatkeep has changed nothing in schema public of ${database.name} yet\n`,
    ])
    expect(await database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'chatkeep%'`)).toEqual([])
  })

  test('shows every run with who, when, what and how it ended', async ({ database }) => {
    await migrated(database, 'crm-before')
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    const env = { DATABASE_URL: database.url, NO_COLOR: '1' }
    const { stdout } = await runChatkeep(['migrate', '--history'], { env, columns: 200 })
    const [head, rule, ...lines] = stdout.trimEnd().split('\n')
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
    const running = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^chatkeep migrate' AND wait_event_type = 'Lock'`
    await untilRows(database, running, { what: 'the run waits' })
    expect(await outcomes(database)).toEqual(['migrate failed 1', 'migrate interrupted 0', 'migrate running 0'])
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
  })
})
