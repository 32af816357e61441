import pg from 'pg'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated, on } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { loadPartitioned } from '../../support/partitioned.js'
import { expectOk, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const from = (sender: Partial<NewChatMessage>, text = 'hello'): NewChatMessage => ({
  senderType: 'CLIENT',
  messageType: 'TEXT',
  text,
  idempotencyKey: '1',
  ...sender,
})

const withScoped = async (database: TestDatabase, work: (store: ChatStore) => Promise<void>): Promise<void> => {
  const store = createChatStore({ databaseUrl: database.url }, { idempotencyScope: 'sender' })
  try {
    await work(store)
  } finally {
    await store.close()
  }
}

const SENDERS = [
  { guestUsername: 'maria' },
  { guestUsername: 'ana' },
  { guestUsername: 'a/1' },
  { guestUsername: 'a%2F1' },
  { guestUsername: 'é'.repeat(255) },
  { guestUsername: `${'é'.repeat(254)}e` },
  { sessionId: 'maria' },
  { sessionId: 'operator-7' },
  { sessionId: 'guest-AAAAAAAAAAAAAAAAAAAAAA' },
  { clientSocketId: 'maria' },
  { clientId: 1_000 },
  { senderType: 'OPERATOR', operatorId: 7, sessionId: 'maria' },
  { senderType: 'OPERATOR', operatorId: 8, sessionId: 'maria' },
  { senderType: 'OPERATOR', sessionId: 'maria' },
] as const

test.for(['an ordinary table', 'partitions'])(
  'each sender has keys of their own, which every answer gives back: %s',
  async (table, { database }) => {
    if (table === 'partitions') {
      await loadPartitioned(database)
      expect((await on(database, 'migrate')).exitCode).toBe(0)
    } else await migrated(database)
    await withScoped(database, async (store) => {
      const saved = await Promise.all(SENDERS.map((sender) => store.saveChatMessage(from(sender))))
      expect(saved.map(({ idempotencyKey, duplicate }) => [idempotencyKey, duplicate])).toEqual(
        SENDERS.map(() => ['1', false]),
      )
      for (const [index, sender] of SENDERS.entries()) {
        const { id } = saved[index] ?? { id: 0 }
        expect(await store.saveChatMessage(from(sender))).toMatchObject({ id, idempotencyKey: '1', duplicate: true })
        await expect(store.saveChatMessage(from(sender, 'another text'))).rejects.toMatchObject({
          code: 'idempotency_conflict',
          idempotencyKey: '1',
          existingId: id,
        })
      }
      const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
      expect(messages).toMatchObject([{ idempotencyKey: '1' }])
      const { chats } = await store.getRecentChats()
      expect(chats.find(({ username }) => username === 'maria')?.lastMessage.idempotencyKey).toBe('1')

      // Without a key the store makes one, and takes it again.
      const { idempotencyKey, id } = await store.saveChatMessage(from({ guestUsername: 'eva', idempotencyKey: null }))
      expect(await store.saveChatMessage(from({ guestUsername: 'eva', idempotencyKey }))).toMatchObject({
        id,
        duplicate: true,
      })
    })
  },
)

test('a sender stays the same when their client is created, renamed or merged, and after edit and deletion', async ({
  database,
}) => {
  await migrated(database)
  await withScoped(database, async (store) => {
    const again = (text?: string) => store.saveChatMessage(from({ guestUsername: 'maria' }, text))
    const { id, clientId } = await again()
    const ana = await store.saveChatMessage(from({ guestUsername: 'ana' }))
    await store.renameClient({ clientId: clientId ?? 0, username: 'Maria' })
    expect(await again()).toMatchObject({ id, duplicate: true })
    await store.mergeClients({ from: clientId ?? 0, into: ana.clientId ?? 0 })
    expect(await again()).toMatchObject({ id, duplicate: true })
    expect(await store.editMessage({ id, text: 'hi' })).toMatchObject({ idempotencyKey: '1', text: 'hi' })
    expect(await again()).toMatchObject({ id, duplicate: true })
    await store.deleteMessage({ id })
    expect(await again()).toMatchObject({ id, idempotencyKey: '1', duplicate: true })
  })
})

test('what a failed save names is the key of its caller', async ({ database }) => {
  await migrated(database)
  const client = new pg.Client(database.url)
  await client.connect()
  const nowhere = createChatStore(
    { databaseUrl: 'postgres://127.0.0.1:1/crm' },
    { idempotencyScope: 'sender', deadlineMs: 0 },
  )
  try {
    await expect(nowhere.saveChatMessage(from({ guestUsername: 'maria' }))).rejects.toMatchObject({
      code: 'database_unavailable',
      idempotencyKey: '1',
    })
    await withScoped(database, async (store) => {
      await client.query('BEGIN')
      const saved = await store.saveChatMessage(from({ guestUsername: 'maria' }), { db: client })
      expect(saved).toMatchObject({ idempotencyKey: '1', duplicate: false })
      await client.query('COMMIT')
      expect(await store.saveChatMessage(from({ guestUsername: 'maria' }))).toMatchObject({ duplicate: true })
      const long = 'k'.repeat(1_020)
      await expect(store.saveChatMessage(from({ guestUsername: 'maria', idempotencyKey: long }))).rejects.toMatchObject(
        { code: 'invalid_message' },
      )
    })
  } finally {
    await client.end()
    await nowhere.close()
  }
})

test("a chat server's keys are in that scope already: the same with either store, and for a replay", async ({
  database,
}) => {
  await withoutMessages(database)
  const store = createChatStore({ databaseUrl: database.url }, { idempotencyScope: 'sender' })
  await withChat(database, { store }, async ({ guest, operator }) => {
    const ana = await guest('ana')
    expectOk(await ana.ask('clientMessage', { message: 'hello', messageId: 'm1' }))
    const lucia = await operator('Lucía', 1)
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, message: 'yes?', messageId: 'm1' }))
    expect(expectOk(await ana.ask('history', {})).messages).toMatchObject([{ messageId: 'm1' }, { messageId: null }])
    expect(await database.query('SELECT "idempotencyKey" FROM "ChatMessage" ORDER BY "id"')).toEqual([
      { idempotencyKey: `${ana.clientId}/m1` },
      { idempotencyKey: 'operator-1/m1' },
    ])
    const own = from({ sessionId: ana.clientId, guestUsername: 'ana', idempotencyKey: 'm1' })
    expect(await store.saveChatMessage(own)).toMatchObject({ idempotencyKey: 'm1', duplicate: true })
  })
})

test('a live message has the key that its sender gave', async ({ database }) => {
  await migrated(database)
  await withScoped(database, async (store) => {
    const keys: (string | null)[] = []
    const live = await store.onMessage(({ idempotencyKey }) => void keys.push(idempotencyKey), {
      onError: () => undefined,
    })
    await store.saveChatMessage(from({ guestUsername: 'maria' }))
    await until(() => keys.length > 0, { what: 'the message is delivered' })
    await live.close()
    expect(keys).toEqual(['1'])
  })
})
