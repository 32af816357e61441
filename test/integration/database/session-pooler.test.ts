import { OperatorError } from '../../../src/errors.js'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withSmallPooler } from '../../support/small-pooler.js'

const INDEX = '"Client_createdAt_brin"'

test('a pooler in session mode carries migrate and rollback, the pid of who blocks them, and their cancellation', async ({
  database,
}) => {
  await migrated(database, 'crm-before')
  await withSmallPooler(database.url, { mode: 'session' }, async (url) => {
    const expectDone = async (...argv: readonly string[]): Promise<void> => {
      const { exitCode, stderr } = await runChatkeep([...argv, '--database-url', url])
      expect(exitCode, stderr).toBe(0)
    }
    await database.query(`DROP INDEX ${INDEX}`)
    const reader = await database.client()
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    const { rows } = await reader.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid" FROM "Client" LIMIT 1')
    const interruption = new AbortController()
    const blocked = await runChatkeep(['migrate', '--database-url', url], {
      signal: interruption.signal,
      onStderr: (text) => {
        if (!text.includes(`waiting for older transactions to end: blocked by pid ${rows[0]?.pid} `)) return
        interruption.abort(new OperatorError('interrupted', 'ended by SIGHUP', { exitCode: 129 }))
      },
    })
    expect([blocked.exitCode, blocked.stderr]).toEqual([
      129,
      expect.stringContaining(`state: ${INDEX} is INVALID; the next migrate drops and rebuilds it`),
    ])
    const building = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'CREATE INDEX%'`
    expect(await database.query(building)).toEqual([])
    await reader.query('COMMIT')
    await expectDone('migrate')
    await expectDone('rollback', '--to', '12', '--confirm', database.name)
  })
})

test.for([
  ['one pool for all clients', { mode: 'transaction' }, 'a connection pooler that shares sessions'],
  ['a pool for each client', { mode: 'transaction', pools: 'apart' }, 'a connection pooler that shares sessions'],
  ['pgpool-II', { mode: 'session', isPgpool: true }, 'pgpool-II, which sends a part of the statements to standbys'],
] as const)(
  'migrate is refused behind a pooler that shares sessions: %s',
  async ([, options, reason], { database }) => {
    await loadFixture(database, 'crm-before')
    await withSmallPooler(database.url, options, async (url) => {
      const { exitCode, stderr } = await runChatkeep(['migrate', '--database-url', url])
      expect([exitCode, stderr]).toEqual([5, expect.stringContaining(`error: migrate cannot run through ${reason}`)])
      expect((await on(database, 'verify')).exitCode).toBe(1)
    })
  },
)
