import type { ChatStore, HistoryQuery, NewChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

const save = (store: ChatStore, text: string, whose: Partial<NewChatMessage>) =>
  store.saveChatMessage({ ...textMessage(text), ...whose })

const textsOf = async (store: ChatStore, query: HistoryQuery): Promise<readonly unknown[]> =>
  (await store.getChatHistory(query)).messages.map(({ text }) => text)

describe('the id of a client that was merged', () => {
  test('reads, polls and marks the messages of the client into whom it was merged', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const { clientId: from } = await save(store, 'of ana', { guestUsername: 'ana' })
      const { clientId: into } = await save(store, 'of bea', { guestUsername: 'bea' })
      const ids = { from: from ?? 0, into: into ?? 0 }
      const { nextAfter } = await store.getChatHistory({ clientId: ids.from })
      await store.mergeClients(ids)
      await save(store, 'by the old id', { clientId: ids.from })
      const all = ['of ana', 'of bea', 'by the old id']
      for (const whose of [{ clientId: ids.from }, { clientId: ids.into }, { anyOf: [{ clientId: ids.from }] }])
        expect(await textsOf(store, whose)).toEqual(all)
      expect(await textsOf(store, { clientId: ids.from, after: nextAfter })).toEqual(['of bea', 'by the old id'])
      const { nextBefore } = await store.getChatHistory({ clientId: ids.from, limit: 1 })
      expect(await textsOf(store, { clientId: ids.from, before: nextBefore ?? '' })).toEqual(['of ana', 'of bea'])
      expect(await store.markMessagesAsRead({ clientId: ids.from, operatorId: null })).toBe(3)
      expect(await store.getUnreadCount()).toBe(0)
    })
  })
})

describe('an id and a name together', () => {
  test('read as they save: the client and what is under the name without a client, else the name', async ({
    database,
  }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const { clientId: rita } = await save(store, 'of rita', { guestUsername: 'rita' })
      await save(store, 'of ana', { guestUsername: 'ana' })
      await database.query(
        `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text", "createdAt")
         SELECT 'ana', 'CLIENT', 'TEXT', 'of ana, not linked', max("createdAt") + interval '1 ms' FROM "ChatMessage"`,
      )
      await save(store, 'of rita, as ana', { clientId: rita, guestUsername: 'ana' })
      const ofRita = { clientId: rita ?? 0, guestUsername: ' ana ' }
      const ofRitas = ['of rita', 'of ana, not linked', 'of rita, as ana']
      expect((await textsOf(store, ofRita)).toSorted()).toEqual(ofRitas.toSorted())
      expect((await textsOf(store, { anyOf: [ofRita] })).toSorted()).toEqual(ofRitas.toSorted())

      const nobody = { clientId: 4711, guestUsername: 'ana' }
      const { unknownClientId, clientId: ana } = await save(store, 'by an id that no client has', nobody)
      expect(unknownClientId).toBeUndefined()
      expect(await textsOf(store, nobody)).toEqual(await textsOf(store, { guestUsername: 'ana' }))
      expect(await textsOf(store, nobody)).toContain('by an id that no client has')
      expect(ana).not.toBe(rita)

      expect(await store.markMessagesAsRead({ ...ofRita, operatorId: null })).toBe(3)
      expect(await store.getUnreadCount()).toBe(2)
      for (const wrong of [
        { ...ofRita, sessionId: 's' },
        { clientId: 1.5, guestUsername: 'ana' },
        { ...ofRita, guestUsername: ' ' },
      ])
        await expect(store.getChatHistory(wrong)).rejects.toMatchObject({ code: 'invalid_contact' })
    })
  })
})

describe('the chat of a client whose name another client had before', () => {
  const RENAMES = [
    [
      "by the application's own statement, and a guest typed it again",
      (_: ChatStore, database: TestDatabase, clientId: number) =>
        database.query(`UPDATE "Client" SET "username" = 'pia' WHERE "id" = $1`, [clientId]),
      {},
    ],
    [
      'by the store, and the application registered a client of it',
      async (store: ChatStore, database: TestDatabase, clientId: number) => {
        await store.renameClient({ clientId, username: 'pia' })
        await database.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('ana', now())`)
      },
      { isRegistered: true },
    ],
  ] as const

  test.for(RENAMES)(
    'is theirs alone, by every address, if it was renamed %s',
    async ([, rename, kind], { database }) => {
      await migrated(database)
      await withStore(database, async (store) => {
        const { clientId: former } = await save(store, 'of pia', { guestUsername: 'ana', sessionId: 's1' })
        await rename(store, database, former ?? 0)
        const { clientId: ana } = await save(store, 'of ana', { guestUsername: 'ana', sessionId: 's2' })
        expect(ana).not.toBe(former)
        await database.query(
          `INSERT INTO "ChatMessage" ("guestUsername", "sessionId", "senderType", "messageType", "text", "createdAt")
         SELECT 'ana', 's3', 'CLIENT', 'TEXT', 'of ana, not linked', max("createdAt") + interval '1 ms' FROM "ChatMessage"`,
        )
        const answer = { senderType: 'OPERATOR', clientId: ana } as const
        await save(store, 'to ana', answer)
        const addresses = [ana ?? 0, `client-${ana}`, 'ana', 'name-ana', 's2', 's3']
        for (const address of addresses) {
          const { contacts = [] } = (await store.findChat(address)) ?? {}
          const texts = await textsOf(store, { anyOf: contacts })
          expect(texts.toSorted(), String(address)).toEqual(['of ana', 'of ana, not linked', 'to ana'])
        }
        const found = await Promise.all(addresses.slice(0, 4).map((address) => store.findChat(address)))
        for (const { conversations, contacts } of found.flatMap((one) => one ?? []))
          expect({ conversations, contacts }).toEqual({
            conversations: 'isRegistered' in kind ? [] : ['s3', 's2'],
            contacts: [{ clientId: ana, guestUsername: 'ana' }],
          })
        expect(await store.markMessagesAsRead({ anyOf: found[2]?.contacts, operatorId: null })).toBe(2)
        const { chats } = await store.getRecentChats({ unreadOnly: true })
        expect(chats).toMatchObject([{ clientId: former, username: 'pia', unreadCount: 1 }])
        const ofPia = await store.findChat('pia')
        expect(await textsOf(store, { anyOf: ofPia?.contacts })).toEqual(['of pia'])
      })
    },
  )

  test('is not opened by the name alone, if a guest typed it again', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const { clientId } = await save(store, 'of pia', { guestUsername: 'ana', sessionId: 's1' })
      await database.query(`UPDATE "Client" SET "username" = 'pia' WHERE "id" = $1`, [clientId])
      await save(store, 'of ana', { guestUsername: 'ana', sessionId: 's2' })
      expect(await textsOf(store, { guestUsername: 'ana' })).toEqual(['of ana'])
      expect(await store.markMessagesAsRead({ guestUsername: 'ana', operatorId: null })).toBe(1)
    })
  })

  test('is that of the client who had the name last, if nobody has it now', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const clientIds: number[] = []
      for (const name of ['pia', 'eva']) {
        const { clientId } = await save(store, `of ${name}`, { guestUsername: 'ana', sessionId: name })
        await database.query(`UPDATE "Client" SET "username" = $2 WHERE "id" = $1`, [clientId, name])
        clientIds.push(clientId ?? 0)
      }
      const [, clientId] = clientIds
      for (const address of ['ana', 'name-ana', 'eva', clientId ?? 0, 'client-' + String(clientId)]) {
        const found = await store.findChat(address)
        expect(found).toMatchObject({ clientId, conversations: ['eva'] })
        expect(await textsOf(store, { anyOf: found?.contacts })).toEqual(['of eva'])
      }
    })
  })
})
