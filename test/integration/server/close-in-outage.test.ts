import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expect, test } from '../../support/database.js'
import { withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

// Longer than a server that closes waits for its drain.
const DEADLINE_MS = 4_000

test('a chat that is closed in an outage leaves its store nothing to wait for, and the messages in its journal', async ({
  database,
}) => {
  await withoutMessages(database)
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-close-'))
  const journal = { path: join(folder, 'chat.journal') }
  await withProxy(database.url, async (proxy) => {
    const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs: DEADLINE_MS })
    await withChat(database, { store, journal }, async ({ guest, operator, server }) => {
      const [ana, lucia] = [await guest('ana'), await operator('Lucía', 1)]
      proxy.pointAt('postgres://127.0.0.1:1/crm')
      proxy.cut()
      expect(await ana.ask('clientMessage', { message: 'hello' })).toMatchObject({ queued: true })
      expect(await lucia.ask('operatorMessage', { to: ana.clientId, message: 'yes?' })).toMatchObject({ queued: true })
      await until(() => store.getLoad().queue.messages > 0, { what: 'the journal is being drained' })
      await server.close()
      expect(store.getLoad().queue.messages).toBe(0)
      await store.close()
    })
  })
  await withChat(database, { journal }, async ({ log }) => {
    await until(() => log.some((line) => line.includes('"journal_drained"')), { what: 'the journal is drained' })
  })
  const rows = await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
  expect(rows).toEqual([{ text: 'hello' }, { text: 'yes?' }])
  await rm(folder, { recursive: true })
})
