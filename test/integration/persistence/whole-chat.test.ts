import type { ChatStore, Contact, NewChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage } from '../../support/load.js'
import { createChatStore } from '../../../src/index.js'

/** Saves texts one after another, so that they are stored in this order. */
const write = async (store: ChatStore, messages: readonly (Partial<NewChatMessage> & { text: string })[]) => {
  const ids: (number | null)[] = []
  for (const message of messages) {
    ids.push((await store.saveChatMessage({ ...textMessage(''), ...message })).clientId)
  }
  return ids
}

const textsOf = async (store: ChatStore, contact: Contact, limit?: number): Promise<readonly unknown[]> => {
  const pages: unknown[][] = []
  let before: string | undefined
  do {
    const page = await store.getChatHistory({ ...contact, limit, before })
    pages.unshift(page.messages.map(({ text }) => text))
    before = page.nextBefore ?? undefined
  } while (before !== undefined)
  return pages.flat()
}

const register = async (database: TestDatabase, username: string): Promise<number> => {
  const [row] = await database.query<{ id: number }>(
    `INSERT INTO "Client" ("username", "updatedAt") VALUES ($1, now()) RETURNING "id"`,
    [username],
  )
  return row?.id ?? -1
}

const OPERATOR = { senderType: 'OPERATOR' } as const

describe("a guest's name", () => {
  test('opens the whole chat of the client that was made of the guest, in order, page by page, both ways', async ({
    database,
  }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [clientId] = await write(store, [{ guestUsername: 'maria', text: 'one' }])
      const client = { clientId }
      await write(store, [
        { ...client, ...OPERATOR, text: 'two, an answer' },
        { guestUsername: 'maria', text: 'three' },
        { ...client, text: 'four, by id' },
        { ...client, guestUsername: 'maria', ...OPERATOR, text: 'five, by both' },
      ])
      const all = ['one', 'two, an answer', 'three', 'four, by id', 'five, by both']
      for (const limit of [50, 2, 1]) expect(await textsOf(store, { guestUsername: ' maria ' }, limit)).toEqual(all)
      const [first] = (await store.getChatHistory({ guestUsername: 'maria' })).messages
      const { nextAfter } = await store.getChatHistory({ guestUsername: 'maria', limit: 1, before: undefined })
      expect(first?.text).toBe('one')
      const oldest = await store.getChatHistory({ clientId: clientId ?? 0, limit: 1 })
      expect(oldest.nextAfter).toBe(nextAfter)
      const start = await store.getChatHistory({
        guestUsername: 'maria',
        after: '2000-01-01 00:00:00.000000_1',
        limit: 3,
      })
      expect(start.messages.map(({ text }) => text)).toEqual(all.slice(0, 3))
      const rest = await store.getChatHistory({ guestUsername: 'maria', after: start.nextAfter, maxBytes: 1 })
      expect(rest.messages.map(({ text }) => text)).toEqual(['four, by id'])
    })
  })

  test('marks that whole chat as read, up to a message', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [clientId] = await write(store, [{ guestUsername: 'maria', text: 'one' }])
      await write(store, [
        { clientId, text: 'two' },
        { clientId, guestUsername: 'maria', text: 'three' },
      ])
      const [, two] = (await store.getChatHistory({ guestUsername: 'maria' })).messages
      const mark = { guestUsername: 'maria', operatorId: null }
      expect(await store.markMessagesAsRead({ ...mark, upToMessageId: two?.id })).toBe(2)
      expect(await store.markMessagesAsRead(mark)).toBe(1)
      expect((await store.getRecentChats()).chats).toMatchObject([{ username: 'maria', unreadCount: 0 }])
    })
  })

  test('opens of a registered client only what was written under that name, and marks no more', async ({
    database,
  }) => {
    await migrated(database)
    const clientId = await register(database, 'maria')
    await withStore(database, async (store) => {
      await write(store, [
        { clientId, text: 'private' },
        { clientId, ...OPERATOR, text: 'private answer' },
        { guestUsername: 'maria', text: 'under the name' },
      ])
      expect(await textsOf(store, { guestUsername: 'maria' })).toEqual(['under the name'])
      expect(await store.markMessagesAsRead({ guestUsername: 'maria', operatorId: null })).toBe(1)
      expect(await store.markMessagesAsRead({ clientId, operatorId: null })).toBe(1)
    })
  })

  test('opens what was written under it for a role that may not read which clients were made of guests', async ({
    database,
  }) => {
    await migrated(database)
    await withStore(database, (store) => write(store, [{ guestUsername: 'maria', text: 'one' }]))
    await withLimitedRole(database, async ({ name, url }) => {
      await database.query(`GRANT SELECT ON "ChatMessage" TO ${name}`)
      const store = createChatStore({ databaseUrl: url })
      try {
        expect(await textsOf(store, { guestUsername: 'maria' })).toEqual(['one'])
      } finally {
        await store.close()
      }
    })
  })
})

test('several contacts are one history, with each message once; what names none or too many is refused', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const [clientId] = await write(store, [{ guestUsername: 'ana', sessionId: 's1', text: 'one' }])
    await write(store, [
      { guestUsername: 'bruno', sessionId: 's1', text: 'two' },
      { clientId, sessionId: 's2', text: 'three' },
    ])
    const anyOf = [{ sessionId: 's1' }, { clientId: clientId ?? 0 }, { guestUsername: 'ana' }]
    expect((await store.getChatHistory({ anyOf })).messages.map(({ text }) => text)).toEqual(['one', 'two', 'three'])
    expect(await store.markMessagesAsRead({ anyOf, operatorId: null })).toBe(3)
    for (const wrong of [{ anyOf: [] }, { anyOf: [{}] }, { anyOf, clientId: 1 }, { anyOf: Array(11).fill(anyOf[0]) }]) {
      await expect(store.getChatHistory(wrong)).rejects.toMatchObject({ code: 'invalid_contact' })
    }
  })
})

describe('the chat of an address', () => {
  test('is that of a conversation, a client or a name, with the conversations that are theirs', async ({
    database,
  }) => {
    await migrated(database)
    const registered = await register(database, 'rita')
    await withStore(database, async (store) => {
      const [ana] = await write(store, [{ guestUsername: 'ana', sessionId: 's1', text: 'one' }])
      const [lib] = await write(store, [{ guestUsername: 'lib', text: 'by library' }])
      await write(store, [
        { guestUsername: 'ana', sessionId: 's2', text: 'two' },
        { guestUsername: 'ana', sessionId: 's3', ...OPERATOR, text: 'a greeting' },
        { guestUsername: 'rita', sessionId: 's4', text: 'unverified' },
      ])
      // Whoever was greeted in s3 may be somebody else of that name.
      const ofAna = { clientId: ana, conversation: 's2', conversations: ['s2', 's1'] }
      for (const address of [ana ?? 0, `client-${ana}`, ' ana', 'name-ana'])
        expect(await store.findChat(address)).toMatchObject({ ...ofAna, guestUsername: 'ana' })
      expect(await store.findChat('s1')).toEqual({
        ...{ clientId: ana, guestUsername: 'ana', conversation: 's1', conversations: ['s1'] },
        contacts: [{ sessionId: 's1' }, { clientId: ana, guestUsername: 'ana' }],
      })
      const withoutConversation = { conversation: null, conversations: [] }
      expect(await store.findChat('lib')).toMatchObject({ clientId: lib, ...withoutConversation })
      expect(await store.findChat('rita')).toMatchObject({
        clientId: registered,
        guestUsername: null,
        ...withoutConversation,
      })
      expect(await store.findChat('s4')).toMatchObject({ clientId: registered, conversation: 's4' })
      for (const nobody of ['nobody', '', ' ', '\0', String(ana), 4711])
        expect(await store.findChat(nobody)).toBeUndefined()
      await expect(store.findChat(1.5)).rejects.toMatchObject({ code: 'invalid_contact' })
    })
  })

  test('is, of a conversation, that of its last message from the client that names one, whatever was stored after it', async ({
    database,
  }) => {
    await migrated(database)
    const rita = await register(database, 'rita')
    await withStore(database, async (store) => {
      const alone = { sessionId: 's1', text: 'with the conversation alone' }
      await write(store, [{ ...alone, ...OPERATOR }])
      expect(await store.findChat('s1')).toMatchObject({ clientId: null, guestUsername: null })
      await write(store, [{ clientId: rita, sessionId: 's1', ...OPERATOR, text: 'an answer' }, alone])
      expect(await store.findChat('s1')).toMatchObject({ clientId: rita, guestUsername: null })
      const before = new Date()
      const [ana] = await write(store, [{ guestUsername: 'ana', sessionId: 's1', text: 'as ana' }])
      await write(store, [{ ...alone, ...OPERATOR }, { clientId: rita, ...alone, ...OPERATOR }, alone])
      expect(await store.findChat('s1')).toEqual({
        ...{ clientId: ana, guestUsername: 'ana', conversation: 's1', conversations: ['s1'] },
        contacts: [{ sessionId: 's1' }, { clientId: ana, guestUsername: 'ana' }],
      })
      expect(await store.findChat('s1', { at: before })).toMatchObject({ clientId: rita })
      // What an application wrote past the library, and a message cannot have.
      await database.query(`UPDATE "ChatMessage" SET "clientId" = NULL, "guestUsername" = ' ' WHERE "text" = 'as ana'`)
      expect(await store.findChat('s1')).toMatchObject({ clientId: rita, guestUsername: null })
    })
  })

  test('is never in a conversation that only used the name of a client', async ({ database }) => {
    await migrated(database)
    const rita = await register(database, 'rita')
    const otherRita = { clientId: await register(database, 'rita 2'), guestUsername: 'ana' }
    await withStore(database, async (store) => {
      const [ana] = await write(store, [{ guestUsername: 'ana', sessionId: 's1', text: 'one' }])
      await write(store, [
        { clientId: rita, sessionId: 'own', text: 'by id' },
        { guestUsername: 'rita', sessionId: 'typed', text: 'by name' },
        { clientId: rita, guestUsername: 'rita', sessionId: 'typed', ...OPERATOR, text: 'who are you?' },
        { clientId: rita, sessionId: 'typed', ...OPERATOR, text: 'by id of the client that the list shows' },
        { guestUsername: 'rita', sessionId: 'greeted', ...OPERATOR, text: 'a greeting' },
        { ...otherRita, sessionId: 'other', text: 'of another client, as ana' },
      ])
      for (const address of [rita, 'rita', 'name-rita', `client-${rita}`])
        expect(await store.findChat(address)).toMatchObject({ conversation: 'own', conversations: ['own'] })
      for (const address of [ana ?? 0, 'ana'])
        expect(await store.findChat(address)).toMatchObject({ conversation: 's1', conversations: ['s1'] })
      const [{ conversations } = { conversations: [] }] = (await store.getRecentChats()).chats.slice(1)
      expect(conversations).toEqual(['typed', 'own', 'greeted'])
    })
  })

  test('is at an instant only that of who had written or was registered by then', async ({ database }) => {
    await migrated(database)
    const rita = await register(database, 'rita')
    const hour = (hours: number): Date => new Date(Date.UTC(2026, 0, 1, hours))
    await database.query(`UPDATE "Client" SET "createdAt" = '2026-01-01 10:00'`)
    await withStore(database, async (store) => {
      const messages = [
        { guestUsername: 'pia', sessionId: 'conv-pia', text: 'one', createdAt: hour(10) },
        { clientId: rita, sessionId: 'conv-rita', text: 'two', createdAt: hour(12) },
      ]
      const [pia = null] = await write(store, messages)
      const addresses = [pia ?? 0, `client-${pia}`, 'pia', 'name-pia', 'conv-pia', rita, 'rita']
      for (const address of [...addresses, 'conv-rita'])
        expect(await store.findChat(address, { at: hour(9) }), String(address)).toBeUndefined()
      // The row of a client who was a guest can be younger than the messages.
      for (const address of addresses)
        expect(await store.findChat(address, { at: hour(11) }), String(address)).toMatchObject(
          address === rita || address === 'rita'
            ? { clientId: rita, conversation: null }
            : { clientId: pia, conversation: 'conv-pia' },
        )
      expect(await store.findChat('conv-rita', { at: hour(11) })).toBeUndefined()
      expect(await store.findChat('conv-rita', { at: hour(12) })).toMatchObject({ clientId: rita })
    })
  })

  test('is found for a guest without client, and under the earlier name of a client', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [clientId] = await write(store, [{ guestUsername: 'ana', sessionId: 's1', text: 'one' }])
      await database.query(`UPDATE "Client" SET "username" = 'ana gomez' WHERE "id" = $1`, [clientId])
      expect(await store.findChat('ana')).toMatchObject({ clientId, guestUsername: 'ana', conversation: 's1' })
      await database.query(`UPDATE "ChatMessage" SET "clientId" = NULL`)
      expect(await store.findChat('ana')).toMatchObject({ clientId: null, guestUsername: 'ana', conversation: 's1' })
      expect(await store.findChat('s1')).toMatchObject({ contacts: [{ sessionId: 's1' }, { guestUsername: 'ana' }] })
    })
  })
})

test('names of operators are those of "User", by name or else user name, as far as the role may read them', async ({
  database,
}) => {
  await migrated(database, 'crm-before')
  const [user] = await database.query<{ id: number; name: string; username: string }>(
    'SELECT "id", "name", "username" FROM "User" ORDER BY "id" LIMIT 1',
  )
  const { id, name, username } = user ?? { id: 0, name: '', username: '' }
  await withLimitedRole(database, async (role) => {
    await database.query(`GRANT SELECT ON "ChatMessage" TO ${role.name}`)
    const store = createChatStore({ databaseUrl: role.url })
    try {
      expect(await store.getOperatorNames([id])).toEqual(new Map())
      await database.query(`GRANT SELECT ("id", "username") ON "User" TO ${role.name}`)
      expect(await store.getOperatorNames([id, 4711])).toEqual(new Map([[id, username]]))
      await database.query(`GRANT SELECT ON "User" TO ${role.name}`)
      expect(await store.getOperatorNames([id])).toEqual(new Map([[id, name]]))
      await database.query(`ALTER TABLE "User" DROP COLUMN "name", DROP COLUMN "username"`)
      expect(await store.getOperatorNames([id])).toEqual(new Map())
      await database.query(`DROP TABLE "User" CASCADE`)
      expect(await store.getOperatorNames([id])).toEqual(new Map())
    } finally {
      await store.close()
    }
  })
})
