import { describe, expect } from 'vitest'
import { expectOk, test, type Ack, type Peer, type TestChat } from '../../support/socket-chat.js'

const fromGuest = { senderType: 'CLIENT', messageType: 'TEXT' } as const

/** All that an operator is told of chats: by events, in lists and in answers. */
const addressesTold = async (lucia: Peer, whose: Readonly<Record<string, unknown>>): Promise<ReadonlySet<unknown>> => {
  const toOf = (one: unknown): unknown => (one as { to: unknown }).to
  const events = ['newChat', 'incomingMessage', 'clientTyping', 'operatorBroadcast', 'chatEnded', 'messageSent']
  const told = events.flatMap((event) => lucia.all(event).map(toOf))
  const { messages } = expectOk(await lucia.ask('history', whose))
  return new Set([...told, ...messages.map(toOf)])
}

/** Uses an address in every event of an operator that takes one, and says who got it. */
const useEverywhere = async ({ store }: TestChat, lucia: Peer, to: string | number, text: string): Promise<Ack> => {
  const sent = expectOk(await lucia.ask('operatorMessage', { to, message: text }))
  for (const address of [{ to }, { clientId: to }]) {
    const { messages } = expectOk(await lucia.ask('history', address))
    expect(messages.at(-1), text).toMatchObject({ id: sent.id, text })
    expectOk(await lucia.ask('markRead', address))
    expectOk(await lucia.ask('endChat', address))
  }
  expectOk(await lucia.ask('operatorTyping', { to, isTyping: true }))
  expect(await store.getUnreadCount()).toBe(0)
  return sent
}

describe('one address, that everything gives and everything takes', () => {
  test('of a guest who is connected', async ({ chat }) => {
    const [lucia, mateo] = [await chat.operator('Lucía', 1), await chat.operator('Mateo', 2)]
    const ana = await chat.guest('ana')
    expectOk(await ana.ask('clientMessage', { message: 'hello' }))
    expectOk(await ana.ask('clientTyping', { isTyping: true }))
    expectOk(await ana.ask('endChat'))
    expect(await useEverywhere(chat, mateo, ana.clientId, 'hi')).toMatchObject({ to: ana.clientId })
    await lucia.next('chatEnded', 3)
    expect([...(await addressesTold(lucia, { username: 'ana' }))]).toEqual([ana.clientId])
    expect([...(await addressesTold(mateo, { to: ana.clientId }))]).toEqual([ana.clientId])
    expect(ana.all('operatorTyping')).toHaveLength(1)
    expect(ana.all('chatEnded')).toHaveLength(2)
    expect(expectOk(await lucia.ask('recentChats')).chats).toMatchObject([{ to: ana.clientId }])
  })

  test('of a chat that is in the library only, with or without a client', async ({ chat }) => {
    const { clientId: gil } = await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'gil' })
    await chat.database.query(
      `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text") VALUES ('olga', 'CLIENT', 'TEXT', 'hi')`,
    )
    await chat.store.saveChatMessage({
      ...fromGuest,
      text: 'hello',
      guestUsername: 'pia',
      sessionId: 'x'.repeat(1_000),
    })
    const wanted = { pia: 'x'.repeat(1_000), olga: 'name-olga', gil: `client-${gil}` }
    const [lucia, mateo] = [await chat.operator('Lucía', 1), await chat.operator('Mateo', 2)]
    const { chats } = expectOk(await lucia.ask('recentChats'))
    const listed = new Map(chats.map(({ username, to }) => [username, to]))
    expect(Object.fromEntries(listed)).toEqual(wanted)
    for (const [name, to] of listed) {
      expectOk(await lucia.ask('markRead', { to }))
      const history = expectOk(await lucia.ask('history', { to }))
      expect(history.messages).toMatchObject([{ guestUsername: name, to }])
    }
    for (const to of Object.values(wanted)) {
      expect(await useEverywhere(chat, mateo, to, `for ${to.slice(0, 20)}`)).toMatchObject({ to })
      expect((await addressesTold(mateo, { to })).has(to)).toBe(true)
    }
    await lucia.next('operatorBroadcast', 3)
    expect(new Set(lucia.all('operatorBroadcast').map((one) => (one as { to: string }).to))).toEqual(
      new Set(Object.values(wanted)),
    )
    // A number, and a name, are the same chats. Olga is a client by now, as every guest who is answered.
    for (const [address, to] of [
      [gil ?? 0, wanted.gil],
      ['gil', wanted.gil],
      ['pia', wanted.pia],
    ] as const)
      expect(await useEverywhere(chat, mateo, address, `again ${address}`)).toMatchObject({ to })
  })

  test("is never another chat's, whatever guests and conversations are called", async ({ chat }) => {
    const { clientId: gil } = await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'gil' })
    const reserved = [`client-${gil}`, 'name-gil', String(gil)]
    for (const [index, name] of reserved.entries()) {
      await chat.store.saveChatMessage({ ...fromGuest, text: name, guestUsername: name })
      await chat.store.saveChatMessage({ ...fromGuest, text: name, guestUsername: `eva ${index}`, sessionId: name })
    }
    const lucia = await chat.operator('Lucía', 1)
    const { chats } = expectOk(await lucia.ask('recentChats'))
    expect(new Set(chats.map(({ to }) => to)).size).toBe(chats.length)
    for (const { to, username, clientId } of chats) {
      const { id } = expectOk(await lucia.ask('operatorMessage', { to, message: `for ${String(username)}` }))
      const [row] = await chat.database.query('SELECT "clientId" FROM "ChatMessage" WHERE "id" = $1', [id])
      expect(row, String(username)).toEqual({ clientId })
    }
  })

  test('never shows or marks what is of the client who had the name before', async ({ chat }) => {
    const { store, database } = chat
    const said = { ...fromGuest, guestUsername: 'gil' }
    const { clientId: former } = await store.saveChatMessage({ ...said, text: 'private', sessionId: 's1' })
    await database.query(`UPDATE "Client" SET "username" = 'rui' WHERE "id" = $1`, [former])
    const { clientId: gil } = await store.saveChatMessage({ ...said, text: 'hello', sessionId: 's2' })
    const lucia = await chat.operator('Lucía', 1)
    for (const to of ['gil', 'name-gil', 's2', `client-${gil}`, gil]) {
      const { messages } = expectOk(await lucia.ask('history', { to }))
      expect(messages, String(to)).toMatchObject([{ text: 'hello', clientId: gil }])
      expectOk(await lucia.ask('markRead', { to }))
    }
    expect(expectOk(await lucia.ask('recentChats', { unreadOnly: true })).chats).toMatchObject([
      { clientId: former, unreadCount: 1 },
    ])
  })
})
