import { join } from 'node:path'
import pg from 'pg'
import { createChatStore } from '../../../src/index.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expect } from '../../support/database.js'
import { query, test } from '../../support/embedded-servers.js'
import { killServer } from '../../support/kill-server.js'
import { expectKeptOnce, type Load, withLoad } from '../../support/load.js'
import { isThorough } from '../../support/thorough.js'
import { until } from '../../support/until.js'

const KILLS = isThorough ? 3 : 1

/** Waits until that many messages more are acknowledged. */
const untilMore = ({ acknowledged }: Load, more: number): Promise<boolean> => {
  const before = acknowledged.size
  return until(() => acknowledged.size > before + more, { what: `${more} more messages are acknowledged` })
}

const untilFailures = ({ failures }: Load, count: number): Promise<boolean> =>
  until(() => failures() >= count, { what: `${count} calls failed` })

const migrate = async (url: string): Promise<void> => {
  const { exitCode, stderr } = await runChatkeep(['migrate', '--create-tables', '--database-url', url])
  expect(exitCode, stderr).toBe(0)
}

test('a server that is killed under 32 callers loses and doubles nothing, and the store finds it again', async ({
  embedded,
}) => {
  // Durable: what the next server finds is what the killed one had flushed.
  const options = { settings: {}, dataDirectory: join(embedded.folder, 'killed') }
  let server = await embedded.start(options)
  await migrate(server.url('postgres'))
  await withProxy(server.url('postgres'), async ({ url, pointAt }) => {
    const store = createChatStore({ databaseUrl: url }, { deadlineMs: 500 })
    const { acknowledged } = await withLoad(store, { callers: 32 }, async (load) => {
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await untilMore(load, 200)
        const failed = load.failures()
        await killServer(server)
        await untilFailures(load, failed + 32)
        await server.stop()
        server = await embedded.start(options)
        pointAt(server.url('postgres'))
      }
      await untilMore(load, 200)
    })
    await store.close()
    await expectKeptOnce({ query: (sql) => query(server.url('postgres'), sql) }, acknowledged)
  })
})

/** Takes every connection that the server has left. */
const takeAllConnections = async (url: string, taken: pg.Client[]): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    expect(error).toMatchObject({ code: '53300' })
    return
  }
  taken.push(client)
  await takeAllConnections(url, taken)
}

test('a server whose connections are all taken for a while (53300) gets all messages afterwards', async ({
  embedded,
}) => {
  const server = await embedded.start({ settings: { fsync: 'off', max_connections: '16' } })
  const direct = server.url('postgres')
  await migrate(direct)
  await withProxy(direct, async ({ url, cut, pointAt }) => {
    const store = createChatStore({ databaseUrl: url }, { deadlineMs: 300 })
    const { acknowledged } = await withLoad(store, { callers: 32 }, async (load) => {
      await untilMore(load, 50)
      const taken: pg.Client[] = []
      // Kept away until all are taken: it would be quicker.
      pointAt(NOWHERE)
      cut()
      const areAllTaken = async (): Promise<boolean> => {
        await takeAllConnections(direct, taken)
        return (await countStoreConnections(taken[0])) === 0
      }
      await until(areAllTaken, { what: 'the store has no connection left' })
      await takeAllConnections(direct, taken)
      const failed = load.failures()
      pointAt(direct)
      // Twice each: the first call of a caller may have begun before.
      await untilFailures(load, failed + 64)
      await Promise.all(taken.map((client) => client.end()))
      await untilMore(load, 100)
    })
    await store.close()
    await expectKeptOnce({ query: (sql) => query(direct, sql) }, acknowledged)
  })
})

/** A port on which nobody listens. */
const NOWHERE = 'postgres://127.0.0.1:1/none'

const countStoreConnections = async (client: pg.Client | undefined): Promise<number | null | undefined> =>
  (await client?.query(`SELECT FROM pg_stat_activity WHERE application_name = 'chatkeep'`))?.rowCount
