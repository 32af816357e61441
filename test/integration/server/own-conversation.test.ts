import { describe, expect } from 'vitest'
import { expectOk, test, type Peer, type TestChat } from '../../support/socket-chat.js'

const texts = (peer: Peer): readonly unknown[] =>
  peer.all('operatorMessage').map((event) => (event as { message: string }).message)

/** The newest chat of the list, by every address that it gives. */
const listed = async (lucia: Peer) => {
  const { chats } = expectOk(await lucia.ask('recentChats', { limit: 1 })) as unknown as {
    chats: { to: string; clientId: number; username: string; conversations: string[] }[]
  }
  return chats[0] ?? { to: '', clientId: 0, username: '', conversations: [] }
}

const register = async (chat: TestChat, username: string): Promise<number> => {
  const [row] = await chat.database.query<{ id: number }>(
    `INSERT INTO "Client" ("username", "updatedAt") VALUES ($1, now()) RETURNING "id"`,
    [username],
  )
  return row?.id ?? 0
}

describe('an id or a name stands for one conversation', () => {
  test('also for that of a visitor who was greeted, and has not written', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, message: 'hello' }))
    for (let answers = 0; answers < 8; answers += 1) {
      const { to, clientId, username, conversations } = await listed(lucia)
      expect({ to, conversations }).toEqual({ to: ana.clientId, conversations: [ana.clientId] })
      for (const address of [to, clientId, username])
        expect(await lucia.ask('operatorMessage', { to: address, message: 'again' })).toMatchObject({
          ok: true,
          to: ana.clientId,
        })
    }
    expect(texts(ana)).toHaveLength(25)
    const { clientId } = await listed(lucia)
    expectOk(await lucia.ask('endChat', { clientId }))
    expect(await ana.next('chatEnded')).toEqual({ message: 'The operator has ended the chat.' })
  })

  test('but not for that of a visitor of the same name who was greeted, and has not written', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    expectOk(await ana.ask('clientMessage', { type: 'text', message: 'a question' }))
    for (const isConnected of [true, false]) {
      if (!isConnected) ana.socket.disconnect()
      const namesake = await chat.guest('ana')
      expectOk(await lucia.ask('operatorMessage', { to: namesake.clientId, message: 'hello' }))
      const { to, clientId, username } = await listed(lucia)
      for (const address of [to, clientId, username])
        expect(await lucia.ask('operatorMessage', { to: address, message: 'for ana' })).toMatchObject({
          ok: true,
          to: ana.clientId,
        })
      expect(texts(namesake)).toEqual(['hello'])
      expectOk(await namesake.ask('history', {}))
      namesake.socket.disconnect()
    }
  })

  test('also for that of a visitor whom only the event names', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const of = (to: string | number) => ({ to, message: `to ${to}`, messageId: 'once' })
    expect(await lucia.ask('operatorTyping', { to: 'ana', isTyping: true })).toMatchObject({ ok: true })
    expect(await lucia.ask('history', { to: 'ana' })).toMatchObject({ ok: true, messages: [] })
    expect(await lucia.ask('operatorMessage', of('ana'))).toMatchObject({ ok: true, to: ana.clientId })
    expect(await lucia.ask('operatorMessage', of('ana'))).toMatchObject({ duplicate: true, to: ana.clientId })
    await ana.next('operatorTyping')
    expect(texts(ana)).toEqual(['to ana'])
    await chat.guest('client-4711')
    expect(await lucia.ask('endChat', { to: 4711 })).toMatchObject({ error: { code: 'unknown_conversation' } })
  })

  test('of which only that one is ended: the connected one, else the newest', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const [first, second] = [await chat.guest('tim'), await chat.guest('tim')]
    for (const guest of [first, second]) expectOk(await guest.ask('clientMessage', { message: 'hello' }))
    const { clientId } = await listed(lucia)
    const endsAt = async (address: string | number): Promise<unknown> => {
      const before = lucia.all('chatEnded').length
      expectOk(await lucia.ask('endChat', { to: address }))
      await lucia.next('chatEnded', before + 1)
      expect(lucia.all('chatEnded')).toHaveLength(before + 1)
      expect(await lucia.ask('operatorMessage', { to: address, message: 'bye' })).toMatchObject({
        to: (lucia.all('chatEnded').at(-1) as { to: string }).to,
      })
      return (lucia.all('chatEnded').at(-1) as { clientId: string }).clientId
    }
    for (const address of ['tim', clientId]) expect(await endsAt(address)).toBe(second.clientId)
    expect([first.all('chatEnded').length, second.all('chatEnded').length]).toEqual([0, 2])
    second.socket.disconnect()
    await second.disconnected()
    for (const address of ['tim', clientId]) expect(await endsAt(address)).toBe(first.clientId)
    expect(first.all('chatEnded')).toHaveLength(2)
  })
})

test('what is meant for a registered client never reaches a visitor who typed the name', async ({ chat }) => {
  const rita = await register(chat, 'rita')
  const lucia = await chat.operator('Lucía', 1)
  const stranger = await chat.guest('rita')
  const tell = async (expected: string): Promise<void> => {
    for (const to of [rita, 'rita', `client-${rita}`, 'name-rita']) {
      expect(await lucia.ask('operatorMessage', { to, message: 'for Rita alone' })).toMatchObject({ to: expected })
      expectOk(await lucia.ask('operatorTyping', { to, isTyping: true }))
      expectOk(await lucia.ask('endChat', { to }))
    }
  }
  await tell(`client-${rita}`)
  expectOk(await lucia.ask('operatorMessage', { to: stranger.clientId, message: 'who are you?' }))
  await tell(`client-${rita}`)
  expectOk(await stranger.ask('clientMessage', { message: 'it is me' }))
  await tell(`client-${rita}`)
  await chat.store.saveChatMessage({
    ...{ clientId: rita, sessionId: 'own', senderType: 'CLIENT', messageType: 'TEXT', text: 'with proof' },
  })
  await tell('own')
  expectOk(await stranger.ask('clientMessage', { message: 'still me' }))
  await tell('own')
  expect(texts(stranger)).toEqual(['who are you?'])
  expect(stranger.all('chatEnded')).toEqual([])
  expect(stranger.all('operatorTyping')).toEqual([])
  const { messages } = expectOk(await stranger.ask('history'))
  expect(messages.map(({ text }) => text)).toEqual(['who are you?', 'it is me', 'still me'])
})
