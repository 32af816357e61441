import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChatStore } from '../../../src/index.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { textMessage } from '../../support/load.js'
import { startReplication, withChatTables, type Replication } from '../../support/replication.js'
import { until } from '../../support/until.js'

let servers: Replication
beforeAll(async () => {
  servers = await startReplication({ prepare: withChatTables })
})
afterAll(() => servers.stop())

test('a subscription is refused by a standby, and follows a promotion without a gap', async () => {
  const { primary, standby } = servers
  const reader = createChatStore({ databaseUrl: standby.url() }, { deadlineMs: 0 })
  await expect(reader.onMessage(() => undefined, { onError: () => undefined })).rejects.toMatchObject({
    name: 'StoreUnavailable',
    message: expect.stringContaining('a standby answered') as string,
  })
  await reader.close()

  await servers.waitForStandby()
  await withProxy(primary.url(), async ({ url, pointAt, cut }) => {
    const store = createChatStore({ databaseUrl: url }, { deadlineMs: 60_000 })
    const heard: string[] = []
    await store.onMessage(({ text }) => void heard.push(text ?? ''), { onError: () => undefined, pollMs: 50 })
    const expected: string[] = []
    const save = async (n: number): Promise<void> => {
      for (let i = 0; i < n; i += 1) {
        await store.saveChatMessage({ ...textMessage(`${expected.length}`), sessionId: 's' })
        expected.push(`${expected.length}`)
      }
    }
    await save(20)
    await primary.stop('kill')
    const saving = save(20)
    await servers.promote()
    await until(() => standby.query('CREATE TABLE "promoted" ()'), { what: 'the standby is a primary' })
    pointAt(standby.url())
    cut()
    await saving
    await until(() => heard.length >= expected.length, { what: 'all are delivered' })
    expect(heard).toEqual(expected)
    await store.close()
  })
})
