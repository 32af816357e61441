import type { ChatStore, RecentChat } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

/** The chats with unread messages, two a page: whose they are, and how much of them is unread. */
const listUnread = async (store: ChatStore): Promise<readonly string[]> => {
  const chats: RecentChat[] = []
  for (let before: string | null | undefined; before !== null;) {
    const page = await store.getRecentChats({ unreadOnly: true, limit: 2, before })
    chats.push(...page.chats)
    before = page.nextBefore
  }
  const unread = chats.reduce((sum, { unreadCount }) => sum + unreadCount, 0)
  expect(await store.getUnreadCount()).toBe(unread)
  return chats.map(({ username, unreadCount }) => `${username}: ${unreadCount}`)
}

test('chats with unread messages are one each, whatever names their messages were written under', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const write = (contact: { clientId?: number; guestUsername?: string; sessionId?: string }) =>
      store.saveChatMessage({ ...textMessage('hello'), ...contact })
    const answer = (clientId: number) =>
      store.saveChatMessage({ clientId, senderType: 'OPERATOR', operatorId: null, messageType: 'TEXT', text: 'hi' })
    const { clientId: ana } = await write({ guestUsername: 'ana' })
    const { clientId: bea } = await write({ guestUsername: 'bea' })
    const { clientId: eva } = await write({ guestUsername: 'eva' })
    if (ana === null || bea === null || eva === null) throw new Error('guests became no clients')
    // Nobody's: in no chat of the list.
    await write({ sessionId: 'nobody' })
    // As it is stored where a guest cannot become a client.
    await database.query(
      `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text") VALUES ('gil', 'CLIENT', 'TEXT', 'x')`,
    )
    expect(await listUnread(store)).toEqual(['gil: 1', 'eva: 1', 'bea: 1', 'ana: 1'])

    // What an operator answers moves a chat up, and leaves it unread.
    await answer(ana)
    expect(await listUnread(store)).toEqual(['ana: 1', 'gil: 1', 'eva: 1', 'bea: 1'])

    await store.renameClient({ clientId: bea, username: 'bea two' })
    await write({ guestUsername: 'bea' })
    await write({ guestUsername: 'bea two' })
    expect(await listUnread(store)).toEqual(['bea two: 3', 'ana: 1', 'gil: 1', 'eva: 1'])

    await store.mergeClients({ from: eva, into: bea })
    await write({ guestUsername: 'eva' })
    await write({ clientId: eva })
    expect(await listUnread(store)).toEqual(['bea two: 6', 'ana: 1', 'gil: 1'])

    await store.markMessagesAsRead({ guestUsername: 'ana', operatorId: null })
    await store.markMessagesAsRead({ guestUsername: 'gil', operatorId: null })
    expect(await listUnread(store)).toEqual(['bea two: 6'])
    const { messages } = await store.getChatHistory({ clientId: bea })
    await store.deleteMessage({ id: messages.at(-1)?.id ?? 0 })
    expect(await listUnread(store)).toEqual(['bea two: 5'])
    await store.markMessagesAsRead({ clientId: bea, operatorId: null })
    expect(await listUnread(store)).toEqual([])
  })
})

test('chats that change between two pages of what is unread are neither doubled nor hidden', async ({ database }) => {
  await migrated(database)
  await database.load(`
    INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'client ' || n FROM generate_series(1, 900) AS n;
    INSERT INTO "ChatMessage" ("clientId", "createdAt", "senderType", "messageType", "text")
    SELECT n, timestamp '2026-04-05 10:00' + n * interval '1 second', 'CLIENT', 'TEXT', 'x' FROM generate_series(1, 900) AS n`)
  // Many chats, which are read backwards, and few.
  for (const clients of [900, 40]) {
    await database.query(`UPDATE "ChatMessage" SET "isRead" = "clientId" > $1`, [clients])
    await withStore(database, async (store) => {
      const first = await store.getRecentChats({ unreadOnly: true, limit: 10 })
      // One of those that are shown is read, one still to come as well; and one still to come writes.
      const [shown, read, written] = [clients - 3, clients - 15, clients - 20]
      await store.markMessagesAsRead({ clientId: shown, operatorId: null })
      await store.markMessagesAsRead({ clientId: read, operatorId: null })
      await store.saveChatMessage({ ...textMessage('again'), clientId: written })
      const ids = first.chats.map(({ clientId }) => clientId)
      for (let before = first.nextBefore; before !== null;) {
        const page = await store.getRecentChats({ unreadOnly: true, limit: 200, before })
        ids.push(...page.chats.map(({ clientId }) => clientId))
        before = page.nextBefore
      }
      const all = Array.from({ length: clients }, (_, index) => clients - index)
      expect(ids).toEqual(all.filter((id) => id !== read && id !== written))
    })
    await database.query(`DELETE FROM "ChatMessage" WHERE "text" = 'again'`)
  }
})
