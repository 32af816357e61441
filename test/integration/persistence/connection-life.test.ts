import { migrated } from '../../support/chat.js'
import { createChatStore } from '../../../src/index.js'
import { expect, test } from '../../support/database.js'
import { expectKeptOnce, withLoad } from '../../support/load.js'
import { until } from '../../support/until.js'

const SELECT_PIDS = `SELECT pid FROM pg_stat_activity WHERE application_name = 'short-lived' AND datname = current_database()`

test('replaces its connections under constant load, and no call fails', async ({ database }) => {
  await migrated(database)
  const options = { applicationName: 'short-lived', maxConnections: 4, maxConnectionLifeMs: 200 }
  const store = createChatStore({ databaseUrl: database.url }, options)
  const pids = async () => new Set((await database.query<{ pid: number }>(SELECT_PIDS)).map(({ pid }) => pid))
  const { acknowledged, failures } = await withLoad(store, { callers: 16 }, async (load) => {
    await until(() => load.acknowledged.size > 50, { what: 'messages are saved' })
    const first = await pids()
    const areReplaced = async () => {
      const now = await pids()
      return [...first].every((pid) => !now.has(pid))
    }
    await until(areReplaced, { what: 'none of the first connections is left' })
  })
  await store.close()
  expect(failures()).toBe(0)
  await expectKeptOnce(database, acknowledged)
})
