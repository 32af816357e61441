import { describe, expect } from 'vitest'
import { expectOk, test } from '../../support/socket-chat.js'

const fromGuest = { senderType: 'CLIENT', messageType: 'TEXT' } as const

describe('an operator answers every chat of the list', () => {
  test('also one that was only written through the library', async ({ chat }) => {
    const { clientId } = await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'gil' })
    const lucia = await chat.operator('Lucía', 1)
    const { chats } = expectOk(await lucia.ask('recentChats', {})) as unknown as { chats: { to: string }[] }
    expect(chats).toMatchObject([{ to: `client-${clientId}`, conversations: [] }])
    for (const to of [chats[0]?.to, clientId, 'gil']) {
      const answer = await lucia.ask('operatorMessage', { to, type: 'text', message: `to ${to}` })
      expect(answer).toMatchObject({ ok: true, to: `client-${clientId}` })
    }
    const { messages } = await chat.store.getChatHistory({ guestUsername: 'gil' })
    expect(messages.map(({ text, clientId: of }) => [text, of])).toEqual([
      ['hello', clientId],
      [`to client-${clientId}`, clientId],
      [`to ${clientId}`, clientId],
      ['to gil', clientId],
    ])
    const unread = async () => expectOk(await lucia.ask('recentChats', { unreadOnly: true, limit: null })) as unknown
    expect(await unread()).toMatchObject({ chats: [{ to: `client-${clientId}`, unreadCount: 1 }], nextBefore: null })
    expect(expectOk(await lucia.ask('markRead', { to: 'gil' }))).toMatchObject({ marked: 1 })
    expect(await unread()).toEqual({ ok: true, chats: [], nextBefore: null })
    expect(await lucia.ask('recentChats', { unreadOnly: null })).toMatchObject({ ok: true, chats: [{ clientId }] })
    expect(await lucia.ask('recentChats', { unreadOnly: 'yes' })).toMatchObject({ ok: false })
  })

  test('in the conversation that is meant, and never that of a visitor who only has the same name', async ({
    chat,
  }) => {
    const [first, second] = [await chat.guest('ana'), await chat.guest('ana')]
    for (const guest of [first, second]) expectOk(await guest.ask('clientMessage', { message: 'hello' }))
    const silent = await chat.guest('ana')
    const lucia = await chat.operator('Lucía', 1)
    const { chats } = expectOk(await lucia.ask('recentChats', {})) as unknown as { chats: { clientId: number }[] }
    expect(chats).toMatchObject([{ to: second.clientId, conversations: [second.clientId, first.clientId] }])
    const answer = (to: unknown, message: string) => lucia.ask('operatorMessage', { to, message })
    expect(await answer('ana', 'one')).toMatchObject({ ok: true, to: second.clientId })
    expect(await answer(chats[0]?.clientId, 'two')).toMatchObject({ ok: true, to: second.clientId })
    expect(await answer(first.clientId, 'three')).toMatchObject({ ok: true, to: first.clientId })
    expectOk(await silent.ask('history', {}))
    const received = (peer: typeof first) =>
      peer.all('operatorMessage').map((event) => (event as { message: string }).message)
    expect([received(first), received(second), received(silent)]).toEqual([['three'], ['one', 'two'], []])
    const back = await chat.guest('ana', { token: second.token })
    expect(expectOk(await back.ask('history', {}))).toMatchObject({
      messages: [{ text: 'hello' }, { text: 'one' }, { text: 'two' }],
    })
  })

  test('once, also when the newest conversation of the chat is another by the time of a resend', async ({ chat }) => {
    const { clientId } = await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'ana' })
    const lucia = await chat.operator('Lucía', 1)
    const answer = (messageId: string) => lucia.ask('operatorMessage', { to: clientId, message: 'hi', messageId })
    expect(await answer('a')).toMatchObject({ ok: true, duplicate: false, to: `client-${clientId}` })
    const first = await chat.guest('ana')
    expectOk(await first.ask('clientMessage', { message: 'hello' }))
    expect(await answer('b')).toMatchObject({ ok: true, duplicate: false, to: first.clientId })
    const second = await chat.guest('ana')
    expectOk(await second.ask('clientMessage', { message: 'hello' }))
    expect(await answer('a')).toMatchObject({ ok: true, duplicate: true, to: `client-${clientId}` })
    expect(await answer('b')).toMatchObject({ ok: true, duplicate: true, to: first.clientId })
    const other = await lucia.ask('operatorMessage', { to: clientId, message: 'other', messageId: 'b' })
    expect(other).toMatchObject({ ok: false, error: { code: 'idempotency_conflict' } })
  })

  test('and reads the whole of it, with the names of operators', async ({ chat }) => {
    const ana = await chat.guest('ana')
    expectOk(await ana.ask('clientMessage', { message: 'in a tab' }))
    await chat.store.saveChatMessage({ ...fromGuest, text: 'through the library', guestUsername: 'ana' })
    const lucia = await chat.operator('Lucía', 1)
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, message: 'answer' }))
    for (const whose of [{ to: 'ana' }, { to: ana.clientId }, { clientId: ana.clientId }]) {
      const { messages } = expectOk(await lucia.ask('history', whose)) as unknown as { messages: object[] }
      expect(messages, JSON.stringify(whose)).toMatchObject([
        { text: 'in a tab', to: ana.clientId, operatorName: null },
        { text: 'through the library' },
        { text: 'answer', to: ana.clientId, operatorName: 'Lucía' },
      ])
    }
    for (const event of ['history', 'markRead'])
      for (const [wrong, given] of [
        [{}, 'none'],
        [{ to: 'ana', username: 'ana' }, 'to, username'],
        [{ clientId: 1, username: 'ana' }, 'clientId, username'],
      ] as const)
        expect(await lucia.ask(event, wrong)).toMatchObject({
          ok: false,
          error: { code: 'invalid_contact', message: `name exactly one of to, clientId, username (given: ${given})` },
        })
    const [{ clientId: into }, { clientId: from }] = [
      await chat.store.saveChatMessage({ ...fromGuest, text: 'of bea', guestUsername: 'bea' }),
      await chat.store.saveChatMessage({ ...fromGuest, text: 'of carla', guestUsername: 'carla' }),
    ]
    await chat.store.mergeClients({ from: from ?? 0, into: into ?? 0 })
    for (const whose of [{ clientId: from }, { to: from }, { to: `client-${from}` }]) {
      expect(await lucia.ask('history', whose)).toMatchObject({ messages: [{ text: 'of bea' }, { text: 'of carla' }] })
    }
    expect(await lucia.ask('operatorMessage', { to: String(into), message: 'digits' })).toMatchObject({
      error: {
        message: expect.stringContaining(`the id ${into} of a client is a number, or "client-${into}"`) as string,
      },
    })
    expect(await lucia.ask('operatorMessage', { to: 4711, message: 'nobody' })).toMatchObject({
      ok: false,
      error: { code: 'unknown_conversation', message: expect.stringContaining('4711') as string },
    })
  })
})
