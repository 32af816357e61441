import {
  IdempotencyConflict,
  InvalidMessage,
  MessageNotFound,
  OperatorError,
  type ChatStore,
} from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage } from '../../support/load.js'
import { loadPartitioned } from '../../support/partitioned.js'

const FIRST = { ...textMessage('the first text'), guestUsername: 'maria', idempotencyKey: 'key 1' }

const stored = (database: TestDatabase) =>
  database.query(
    `SELECT "id", "text", "idempotencyKey" FROM "ChatMessage" WHERE "guestUsername" = 'maria' ORDER BY "id"`,
  )

const unread = async (store: ChatStore): Promise<readonly (readonly [string, number])[]> =>
  (await store.getRecentChats()).chats.map(({ lastMessage, unreadCount }) => [lastMessage.text ?? '', unreadCount])

const TABLES = [
  ['an ordinary table', (database: TestDatabase) => migrated(database)],
  [
    'a partitioned table',
    async (database: TestDatabase) => {
      await loadPartitioned(database)
      expect((await on(database, 'migrate')).exitCode).toBe(0)
    },
  ],
] as const

describe.for(TABLES)('a message in %s', ([, prepare]) => {
  test('is edited, and sent again as it was first it is a duplicate', async ({ database }) => {
    await prepare(database)
    await withStore(database, async (store) => {
      const { id } = await store.saveChatMessage(FIRST)
      const before = (await store.getChatHistory({ guestUsername: 'maria' })).messages[0]
      expect(await store.editMessage({ id, text: 'a better\0text' })).toEqual({ ...before, text: 'a better\ufffdtext' })
      await store.editMessage({ id, text: 'the best text' })
      for (const text of ['the first text', 'the best text'])
        expect(await store.saveChatMessage({ ...FIRST, text })).toMatchObject({ id, duplicate: true })
      await expect(store.saveChatMessage({ ...FIRST, text: 'another' })).rejects.toThrow(IdempotencyConflict)
      expect(await stored(database)).toEqual([{ id, text: 'the best text', idempotencyKey: 'key 1' }])
      await expect(store.editMessage({ id, text: '' })).rejects.toThrow('text is empty')
      const nothing = 'the message cannot be edited: no text, imageUrl, imageName or mimeType is given'
      await expect(store.editMessage({ id })).rejects.toMatchObject({ name: InvalidMessage.name, message: nothing })
      const unnamed = store.renameClient({ clientId: 1, username: ' ' })
      await expect(unnamed).rejects.toThrow('the client cannot be renamed: username')
      await expect(store.editMessage({ id: 4711, text: 'x' })).rejects.toThrow(MessageNotFound)
    })
  })

  test('is deleted, is unread no more, and sent again it is not stored', async ({ database }) => {
    await prepare(database)
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...FIRST, text: 'stays', idempotencyKey: 'key 0' })
      const { id, clientId } = await store.saveChatMessage(FIRST)
      expect((await unread(store))[0]).toEqual(['the first text', 2])
      await store.editMessage({ id, text: 'edited before' })
      expect(await store.deleteMessage({ id })).toBe(true)
      expect((await unread(store))[0]).toEqual(['stays', 1])
      const again = await Promise.all([store.saveChatMessage(FIRST), store.saveChatMessage(FIRST)])
      expect(again).toMatchObject([
        { id, clientId, duplicate: true },
        { id, clientId, duplicate: true },
      ])
      await expect(store.saveChatMessage({ ...FIRST, text: 'another' })).rejects.toThrow(IdempotencyConflict)
      expect(await stored(database)).toMatchObject([{ text: 'stays' }])
      expect(await store.deleteMessage({ id })).toBe(false)
    })
    expect((await on(database, 'verify')).exitCode).toBe(0)
  })
})

test('a message that is deleted while it is being sent again is stored once at the most', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    for (let n = 0; n < 20; n += 1) {
      const message = { ...FIRST, idempotencyKey: `key ${n}` }
      const { id } = await store.saveChatMessage(message)
      const resends = Array.from({ length: 5 }, () => store.saveChatMessage(message))
      expect(await store.deleteMessage({ id })).toBe(true)
      expect(await Promise.all(resends)).toMatchObject(Array(5).fill({ id, duplicate: true }))
    }
  })
  expect(await stored(database)).toEqual([])
})

test('what is known of a deleted message outlives rollback and migrate', async ({ database }) => {
  await migrated(database, 'crm-before')
  await withStore(database, async (store) => {
    const { id } = await store.saveChatMessage(FIRST)
    const edited = await store.saveChatMessage({ ...FIRST, idempotencyKey: 'key 2' })
    await store.deleteMessage({ id })
    await store.editMessage({ id: edited.id, text: 'edited' })
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
  })
  await withStore(database, async (store) => {
    for (const idempotencyKey of ['key 1', 'key 2'])
      expect(await store.saveChatMessage({ ...FIRST, idempotencyKey })).toMatchObject({ duplicate: true })
  })
  expect(await stored(database)).toMatchObject([{ text: 'edited' }])
})

test('a role that may not change messages is told which GRANT it lacks, and saves as before', async ({ database }) => {
  await migrated(database)
  await withLimitedRole(database, async ({ name, url }) => {
    await database.load(`
      GRANT USAGE ON SCHEMA chatkeep TO ${name};
      GRANT SELECT, INSERT, UPDATE ON "Client", "ChatMessage" TO ${name};
      GRANT SELECT ON ALL TABLES IN SCHEMA chatkeep TO ${name};
      GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${name};`)
    await withStore({ ...database, url }, async (store) => {
      const { id } = await store.saveChatMessage(FIRST)
      const hint = async (): Promise<unknown> => {
        const refusal: unknown = await store.deleteMessage({ id }).catch((error: unknown) => error)
        return refusal instanceof OperatorError ? [refusal.code, refusal.hint] : refusal
      }
      const grant = (rights: string): unknown => [
        'privilege_missing',
        expect.stringContaining(`GRANT ${rights} TO ${name}`),
      ]
      expect(await hint()).toEqual(grant('INSERT, UPDATE ON "chatkeep"."changed_messages"'))
      await database.load(`GRANT INSERT, UPDATE ON chatkeep.changed_messages TO ${name}`)
      expect(await hint()).toEqual(grant('DELETE ON "public"."ChatMessage"'))
    })
  })
})
