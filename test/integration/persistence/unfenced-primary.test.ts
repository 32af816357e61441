import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChatStore, type Promotion } from '../../../src/index.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expectKeptOnce, textMessage, withLoad } from '../../support/load.js'
import { startReplication, type Replication, withChatTables } from '../../support/replication.js'
import { until } from '../../support/until.js'

let servers: Replication
beforeAll(async () => {
  servers = await startReplication({
    prepare: withChatTables,
  })
})
afterAll(() => servers.stop())

const SELECT_OURS = `SELECT pid FROM pg_stat_activity WHERE application_name = 'under test'`

test('a primary that goes on after a promotion gets no message once one connection has met the new one', async () => {
  const { primary, standby } = servers
  await withProxy(primary.url(), async ({ url, pointAt }) => {
    const promotions: Promotion[] = []
    const store = createChatStore(
      { databaseUrl: url },
      {
        ...{ applicationName: 'under test', deadlineMs: 1_000, maxConnectionLifeMs: 2_000 },
        onPromotion: (promotion) => promotions.push(promotion),
      },
    )
    await store.saveChatMessage({ ...textMessage('early'), guestUsername: 'early' })
    await servers.promote()
    await until(() => standby.query('CREATE TABLE "promoted" ()'), { what: 'the standby is a primary' })
    pointAt(standby.url())
    await withLoad(store, { callers: 8 }, () =>
      until(() => promotions.length > 0, { what: 'the promotion is noticed' }),
    )
    expect(promotions).toEqual([{ from: 1, to: 2 }])
    expect(store.getLoad().timeline).toBe(2)
    await until(async () => (await primary.query(SELECT_OURS)).length === 0, { what: 'the old primary has no session' })
    await standby.query('TRUNCATE "ChatMessage"')
    const { acknowledged, failures } = await withLoad(store, { callers: 8, messagesEach: 20 })
    expect(failures()).toBe(0)
    await expectKeptOnce(standby, acknowledged)

    // The address leads back to the old primary, which still takes connections.
    pointAt(primary.url())
    await standby.query(`SELECT pg_terminate_backend(pid) FROM (${SELECT_OURS}) AS ours`)
    await expect(store.saveChatMessage({ ...textMessage('late'), guestUsername: 'late' })).rejects.toMatchObject({
      name: 'StoreUnavailable',
      retryable: true,
      message: expect.stringContaining('it is on timeline 1, but the primary is on timeline 2') as string,
    })
    pointAt(standby.url())
    await store.saveChatMessage({ ...textMessage('late'), guestUsername: 'late' })
    await store.close()
  })
})
