import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { unlinkedMessages } from '../../../src/verify/checks/rows/unlinked-messages.js'
import { readFacts } from '../../../src/verify/facts/facts.js'
import { runChecks } from '../../../src/verify/run-checks.js'
import { migrated } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { query, test as serverTest } from '../../support/embedded-servers.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { withSmallPooler } from '../../support/small-pooler.js'
import { startStandby } from '../../support/standby.js'
import { until, untilRows } from '../../support/until.js'

const status = ({ url }: Pick<TestDatabase, 'url'>, argv: readonly string[] = []): Promise<Run> =>
  runChatkeep(['status', ...argv, '--database-url', url])

/** Messages of a guest's conversation, this long ago. */
const insert = async (
  database: TestDatabase,
  ages: readonly string[],
  sender: 'CLIENT' | 'OPERATOR' = 'CLIENT',
): Promise<void> => {
  await database.query(
    `INSERT INTO "ChatMessage" ("createdAt", "guestUsername", "senderType", "messageType")
     SELECT (now() AT TIME ZONE 'UTC') - age, 'maria', $2::"MessageSenderType", 'TEXT' FROM unnest($1::interval[]) AS age`,
    [ages, sender],
  )
}

const lastLine = ({ stdout }: Run): string => stdout.trimEnd().split('\n').at(-1) ?? ''

/** A chat server's `/readyz`. */
const readyz = async (statusCode: number, body: object): Promise<string> => {
  const server = createServer(({ url }, response) =>
    response.writeHead(url === '/readyz' ? statusCode : 404).end(JSON.stringify(body)),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('the status of a chat', () => {
  test('is one screen: the chat, its database, the update, the servers, and what to do', async ({ database }) => {
    await migrated(database)
    // An answer between two messages; the client does not read it.
    await insert(database, ['30 seconds', '40 minutes', '1 day 5 minutes', '1 day -5 minutes', '7 days'])
    await insert(database, ['3 hours'], 'OPERATOR')
    const { exitCode, stdout } = await status(database)
    expect(exitCode, stdout).toBe(0)
    expect(stdout).toMatch(/^status {2}chatkeep_test_\w+ on .+ {2}schema public {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m)
    expect(stdout).toMatch(/^chat {6}last message 3\d s ago, 0\.1 a minute \(yesterday 0\.0, last week 0\.0\),$/m)
    expect(stdout).toMatch(/^ {10}5 unread, oldest unanswered 40 min$/m)
    expect(stdout).toMatch(/^database {2}PostgreSQL \d+\.\d+ primary, \d+ of \d+ connections/m)
    expect(stdout).toMatch(/^update {4}complete: \d+ checks, 0 errors, /m)
    expect(stdout).toMatch(/^servers {3}no chat server is connected$/m)
    expect(stdout).toMatch(/a message has had no answer for 40 min/)
    await insert(database, ['10 seconds'], 'OPERATOR')
    expect((await status(database)).stdout).toMatch(/^ {10}5 unread$/m)
    expect((await status(database, ['-q'])).stdout).toMatch(/^(?:ok|warning): .*\n$/)
    await withSmallPooler(database.url, { mode: 'transaction' }, async (url) => {
      expect((await status({ url })).stdout).toMatch(/^update {4}complete/m)
    })
  })

  test('names who blocks whom and the way out, within seconds, although the tables are locked', async ({
    database,
  }) => {
    await migrated(database)
    const blocker = await database.client({ application_name: 'nightly job' })
    const waiter = await database.client({ application_name: 'crm web' })
    await blocker.query('BEGIN; LOCK TABLE "ChatMessage", "Client" IN ACCESS EXCLUSIVE MODE')
    const waits = waiter.query('SELECT FROM "Client"').catch(() => undefined)
    await untilRows(database, 'SELECT FROM pg_locks WHERE NOT granted', { what: 'the session that waits' })
    const startedAt = performance.now()
    const locked = await status(database)
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(locked.stdout).toMatch(/^chat {6}unknown: a table is locked$/m)
    expect(locked.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /lock pid (\d+) \(nightly job, as \w+, idle in transaction for \d+ s\) has locked "ChatMessage" and "Client", blocks 1 session: pid \d+ \(crm web, as \w+, for \d+ s\), end it, in psql: SELECT pg_terminate_backend\(\1\);/,
    )
    // Also before it is long enough to be an error, and whatever of it is unknown.
    expect(lastLine(locked)).toMatch(/^(?:unknown|FAIL): .*Next: .*SELECT pg_terminate_backend\(\d+\);$/)
    expect(locked.exitCode).toBe(locked.stdout.includes('FAIL') ? 1 : 4)
    await withLimitedRole(database, async ({ url, name }) => {
      const hidden = await status({ url })
      expect(hidden.stdout).toContain('sessions of other roles are hidden: GRANT pg_read_all_stats shows them')
      expect(hidden.stdout).toMatch(/nightly job, as \w+, state hidden from this role\)\s+has/)
      await database.query(`GRANT pg_read_all_stats TO ${name}`)
      await blocker.query('ROLLBACK')
      await waits
      const statistics = await status({ url })
      expect(statistics.stdout).not.toContain('hidden')
      expect(statistics.stdout).toMatch(/^chat {6}unknown: this role may not read it$/m)
      expect(lastLine(statistics)).toMatch(/^unknown: the messages and the state of the update .*GRANT SELECT ON/)
      expect(statistics.exitCode).toBe(3)
      await database.query(`REVOKE pg_read_all_stats FROM ${name}`)
    })
  })

  test('names who may have locked rows for a while, though nobody waits, and not who only reads', async ({
    database,
  }) => {
    await migrated(database)
    await insert(database, ['1 minute'])
    const reader = await database.client({ application_name: 'report' })
    await reader.query('BEGIN; SELECT FROM "ChatMessage"')
    const holder = await database.client({ application_name: 'holder' })
    await holder.query('BEGIN; SELECT FROM "ChatMessage" FOR UPDATE; SELECT FROM "Client" FOR UPDATE')
    const named = async (): Promise<Run> => {
      const run = await status(database)
      expect(run.stdout.replaceAll(/\s+/g, ' ')).toMatch(
        /nobody waits for a lock lock pid (\d+) \(holder, as \w+, idle in transaction for \d+ s\) may have locked rows of "ChatMessage" and "Client", end it, in psql: SELECT pg_terminate_backend\(\1\); update/,
      )
      return run
    }
    expect((await until(named, { what: 'the transaction has been open for a while' })).exitCode).toBe(0)
    await holder.query('COMMIT')
    expect((await status(database)).stdout).not.toMatch(/^lock/m)
  })

  test('without its tables, or rolled back, is what verify says of it', async ({ database }) => {
    const empty = await status(database)
    expect(empty.stdout).toMatch(/^chat {6}unknown: the tables of the chat are missing$/m)
    expect(lastLine(empty)).toMatch(/^FAIL: verify finds 1 error: chat_tables_missing: .*Next: .*chatkeep migrate/)
    await migrated(database)
    await runChatkeep([
      'rollback',
      '--confirm',
      new URL(database.url).pathname.slice(1),
      '--database-url',
      database.url,
    ])
    const rolledBack = await status(database)
    expect(rolledBack.stdout).toMatch(/^chat {6}unknown: the columns of the guest update are missing$/m)
    expect(lastLine(rolledBack)).toMatch(/^FAIL: verify finds 1 error: migrations_pending: .*Next: chatkeep migrate/)
    expect([empty.exitCode, rolledBack.exitCode]).toEqual([1, 1])
  })

  test('leaves checks whose queries of rows take long to verify', async ({ database }) => {
    await migrated(database)
    const client = await database.client()
    await client.query('BEGIN')
    const wanted = { expectation: 'migrated', database: database.name, schema: 'public', files: [] } as const
    const facts = await readFacts(client, wanted, (read) => read())
    const { signal } = new AbortController()
    const slow = {
      ...unlinkedMessages,
      query: () => `SELECT ARRAY[9] AS "counts", ARRAY[1] AS "sample" FROM pg_sleep(9)`,
    }
    expect(await runChecks([slow], client, facts, { signal, rowQueryLimitMs: 50 })).toEqual({
      findings: [],
      skipped: [{ check: slow.name, reason: 'it takes too long for a quick answer' }],
    })
  })

  test('includes the servers that are named', async ({ database }) => {
    await migrated(database)
    const ready = await readyz(200, { ok: true })
    const failing = await readyz(503, { ok: false, code: 'database_unreachable', journal: 'taking', waiting: 12 })
    const queueing = await readyz(200, { ok: true, code: 'schema_not_ready', destination: 'journal', waiting: 1 })
    const run = await status(database, ['--server', `${ready}/chat`, failing, queueing])
    expect(run.stdout).toMatch(
      /^servers {3}http:\S+ is not ready \(database_unreachable\), 12\s+messages in its journal,$/m,
    )
    expect(run.stdout).toContain(`${ready} is ready`)
    expect(run.stdout).toMatch(/^warning {3}12 messages wait in the journal of /m)
    expect(run.stdout.replace(/\s+/g, ' ')).toContain(
      `warning 1 message waits in the journal of ${queueing}, and new ones go there: schema_not_ready`,
    )
    expect(lastLine(run)).toMatch(/^FAIL: http:\S+ is not ready: database_unreachable/)
    expect(run.exitCode).toBe(1)
    expect(await status(database, ['--server', 'localhost:3000'])).toMatchObject({ exitCode: 2, stdout: '' })
  })

  test('of a database that cannot be reached is a screen as well, a line, or a document', async () => {
    const nowhere = { url: 'postgres://app@127.0.0.1:1/crm' }
    const screen = await status(nowhere)
    expect(screen).toMatchObject({ exitCode: 3, stderr: '' })
    expect(screen.stdout).toMatch(/^database {2}unreachable$/m)
    expect(lastLine(screen)).toMatch(
      /^FAIL: cannot reach the database crm .*: nothing listens there\. Next: .*pg_isready/,
    )
    expect((await status(nowhere, ['-q'])).stdout).toBe(`${lastLine(screen)}\n`)
    const { exitCode, stdout } = await status(nowhere, ['--json'])
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([
      3,
      {
        ok: false,
        command: 'status',
        error: { code: 'database_unreachable' },
        chat: { unknown: expect.any(String) as string },
      },
    ])
  })
})

serverTest('the status of a standby is read like that of a primary', async ({ embedded }) => {
  const standby = await startStandby(embedded, async (primary) => {
    await query(primary.url('postgres'), 'CREATE DATABASE crm')
    await runChatkeep(['migrate', '--yes', '--create-tables', '--database-url', primary.url('crm')])
  })
  const { stdout, exitCode } = await status({ url: standby.url('crm') })
  expect(stdout).toMatch(/^database {2}PostgreSQL \d+\.\d+ standby, /m)
  expect(stdout).toMatch(/^chat {6}no message yet, /m)
  expect(exitCode, stdout).toBe(0)
})
