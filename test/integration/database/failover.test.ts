import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChatStore } from '../../../src/index.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { expectKeptOnce, withLoad } from '../../support/load.js'
import { startReplication, type ReplicaNode, type Replication, withChatTables } from '../../support/replication.js'
import { manyLines, writeInput } from '../../support/transcript.js'
import { until } from '../../support/until.js'

let servers: Replication
beforeAll(async () => {
  servers = await startReplication({
    prepare: withChatTables,
  })
})
afterAll(() => servers.stop())

/** Both servers, the standby first. */
const bothHosts = (): string => {
  const [first, second] = [new URL(servers.standby.url()), new URL(servers.primary.url())]
  return servers.standby.url().replace(first.host, `${first.host},${second.host}`)
}

/** Runs a command line, and calls back once its stderr matches. */
const runUntil = async (argv: readonly string[], pattern: RegExp, then: () => Promise<unknown>): Promise<Run> => {
  let stderr = ''
  let called: Promise<unknown> | undefined
  const run = await runChatkeep(argv, {
    onStderr: (text) => {
      stderr += text
      if (pattern.test(stderr)) called ??= then()
    },
  })
  await called
  expect(stderr).toMatch(pattern)
  return run
}

test('a store and a replay that know both servers follow a failover: nothing is lost or doubled', async () => {
  const { primary, standby } = servers
  await servers.waitForStandby()
  const store = createChatStore({ databaseUrl: bothHosts() })
  const transcript = await writeInput(manyLines(600))
  const replaying = runChatkeep([
    ...['replay', transcript, '--speed', '200/s', '--wait-for-database', '1m', '--database-url', bothHosts()],
  ])
  const { acknowledged, failures } = await withLoad(store, { callers: 8 }, async (load) => {
    const replayed = `SELECT FROM "ChatMessage" WHERE "text" LIKE 'message 2_'`
    await until(async () => (await primary.query(replayed)).length > 0, { what: 'the replay has begun' })
    await primary.stop('kill')
    await servers.promote()
    const before = load.acknowledged.size
    await until(() => load.acknowledged.size > before + 50, { what: 'messages are saved after the failover' })
  })
  await store.close()
  expect(failures()).toBe(0)
  const { exitCode, stdout, stderr } = await replaying
  expect(exitCode, stdout + stderr).toBe(0)
  expect(stdout).toContain('ok: 600 messages attempted, 600 saved, 0 duplicates; nothing lost, doubled or unexpected')
  await standby.query(`DELETE FROM "ChatMessage" WHERE "text" NOT LIKE '%of caller%'`)
  await expectKeptOnce(standby, acknowledged)
})

const isRunning = (node: ReplicaNode) => until(() => node.query('SELECT'), { what: 'the server runs' })

test('--wait-for-database waits for a server that starts later, and no longer than for it', async () => {
  const { standby } = servers
  await standby.stop('fast')
  const migrate = ['migrate', '--dry-run', '--database-url', standby.url()]
  const late = await runUntil(
    [...migrate, '--wait-for-database', '1m'],
    /waiting for the database: nothing listens/,
    () => standby.start(),
  )
  expect(late.exitCode, late.stderr).toBe(0)
  const missing = standby.url('no_such_database')
  const startedAt = performance.now()
  const refused = await runChatkeep(['migrate', '--dry-run', '-d', missing, '--wait-for-database', '1m'])
  expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining('there is no database')])
  expect(performance.now() - startedAt).toBeLessThan(20_000)
})

test('a rollback that lost its server is finished by itself when the server is back', async () => {
  const { standby } = servers
  await isRunning(standby)
  const reader = new pg.Client(standby.url())
  reader.on('error', () => undefined)
  await reader.connect()
  await reader.query('BEGIN; SELECT FROM "ChatMessage" LIMIT 1')
  const rollback = ['rollback', '--confirm', 'postgres', '--wait-for-database', '1m', '--database-url', standby.url()]
  const { exitCode, stderr } = await runUntil(rollback, /waiting .* for/, async () => {
    await standby.stop('immediate')
    await standby.start()
  })
  expect(exitCode, stderr).toBe(0)
  expect(stderr).toContain('; the run starts again when the database is available')
  await reader.end().catch(() => undefined)
})
