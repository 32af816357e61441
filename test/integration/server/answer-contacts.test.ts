import { describe, expect, test as databaseTest } from '../../support/database.js'
import {
  expectOk,
  withChat,
  withoutMessages,
  type JoinedGuest,
  type Peer,
  type TestChat,
} from '../../support/socket-chat.js'

const fromClient = { senderType: 'CLIENT', messageType: 'TEXT' } as const

interface Whose {
  readonly clientId: number | null
  readonly guestUsername: string | null
}

/** A chat, and with whom an answer to each of its addresses is to be stored. */
interface Situation {
  readonly guest?: JoinedGuest
  readonly conversation: string
  readonly answers: readonly (readonly [string | number, Whose])[]
}

const test = databaseTest.extend<{ chat: TestChat }>({
  chat: async ({ database }, use) => {
    await withoutMessages(database)
    await withChat(database, { disconnectGraceMs: 0 }, use)
  },
})

const register = async (chat: TestChat, username: string): Promise<number> => {
  const [row] = await chat.database.query<{ id: number }>(
    `INSERT INTO "Client" ("username", "updatedAt") VALUES ($1, now()) RETURNING "id"`,
    [username],
  )
  return row?.id ?? 0
}

const clientNamed = async (chat: TestChat, username: string): Promise<number | undefined> => {
  const rows = await chat.database.query<{ id: number }>(`SELECT "id" FROM "Client" WHERE "username" = $1`, [username])
  return rows[0]?.id
}

const say = async (guest: Peer): Promise<unknown> => expectOk(await guest.ask('clientMessage', { message: 'hello' }))

/** A guest who has written. */
const writer = async (chat: TestChat, name: string) => {
  const guest = await chat.guest(name)
  await say(guest)
  const clientId = (await clientNamed(chat, name)) ?? 0
  return { guest, clientId, conversation: guest.clientId, whose: { clientId, guestUsername: name } }
}

const everyAddress = (conversation: string, name: string, whose: Whose): Situation['answers'] =>
  [conversation, whose.clientId ?? 0, `client-${whose.clientId}`, name, `name-${name}`].map(
    (to) => [to, whose] as const,
  )

const SITUATIONS: Readonly<Record<string, (chat: TestChat, lucia: Peer) => Promise<Situation>>> = {
  'who has written': async (chat) => {
    const { guest, conversation, whose } = await writer(chat, 'ana')
    return { guest, conversation, answers: everyAddress(conversation, 'ana', whose) }
  },
  'to whom the application stored an answer with the conversation alone': async (chat) => {
    const { guest, conversation, whose } = await writer(chat, 'ana')
    for (let answers = 0; answers < 2; answers += 1)
      await chat.store.saveChatMessage({
        ...{
          sessionId: conversation,
          senderType: 'OPERATOR',
          operatorId: 1,
          messageType: 'TEXT',
          text: 'by the library',
        },
      })
    return { guest, conversation, answers: everyAddress(conversation, 'ana', whose) }
  },
  'who was greeted, and has not written': async (chat, lucia) => {
    const guest = await chat.guest('ana')
    const conversation = guest.clientId
    expectOk(await lucia.ask('operatorMessage', { to: conversation, message: 'hello' }))
    const whose = { clientId: (await clientNamed(chat, 'ana')) ?? 0, guestUsername: 'ana' }
    return { guest, conversation, answers: everyAddress(conversation, 'ana', whose) }
  },
  'who has not written, and is a registered client as the application says': async (chat) => {
    const guest = await chat.guest('nick')
    const rita = await register(chat, 'rita')
    const conversation = guest.clientId
    await chat.store.saveChatMessage({ ...fromClient, clientId: rita, sessionId: conversation, text: 'as Rita' })
    return { guest, conversation, answers: everyAddress(conversation, 'rita', { clientId: rita, guestUsername: null }) }
  },
  'who wrote as a guest, and then as a registered client': async (chat) => {
    const { guest, conversation, whose } = await writer(chat, 'nick')
    const rita = await register(chat, 'rita')
    await chat.store.saveChatMessage({ ...fromClient, clientId: rita, sessionId: conversation, text: 'as Rita' })
    const [, ...ofNick] = everyAddress(conversation, 'nick', whose)
    const ofRita = everyAddress(conversation, 'rita', { clientId: rita, guestUsername: null })
    return { guest, conversation, answers: [...ofRita, ...ofNick] }
  },
  'who came back under another name, and has not written under it': async (chat) => {
    const { guest: before, conversation, whose } = await writer(chat, 'ana')
    before.socket.disconnect()
    const guest = await chat.guest('Ana María', { token: before.token })
    return { guest, conversation, answers: everyAddress(conversation, 'ana', whose) }
  },
  'of a client who was renamed': async (chat) => {
    const { guest, conversation, clientId, whose } = await writer(chat, 'ana')
    await chat.store.renameClient({ clientId, username: 'maria' })
    const named = { ...whose, guestUsername: 'maria' }
    const answers = [
      [conversation, whose],
      ['ana', whose],
      [clientId, named],
      ['name-maria', named],
    ] as const
    return { guest, conversation, answers }
  },
  'of a client who was merged into another': async (chat) => {
    const { guest, conversation, clientId: from } = await writer(chat, 'ana')
    const { clientId: into } = await chat.store.saveChatMessage({ ...fromClient, guestUsername: 'bea', text: 'hi' })
    await chat.store.mergeClients({ from, into: into ?? 0 })
    const whose = (guestUsername: string): Whose => ({ clientId: into, guestUsername })
    const answers = [
      ...([conversation, 'ana', 'name-ana'] as const).map((to) => [to, whose('ana')] as const),
      ...([from, `client-${from}`, into ?? 0, 'bea'] as const).map((to) => [to, whose('bea')] as const),
    ]
    return { guest, conversation, answers }
  },
  'who has only written through the library': async (chat) => {
    const { clientId } = await chat.store.saveChatMessage({ ...fromClient, guestUsername: 'gil', text: 'hello' })
    const conversation = `client-${clientId}`
    const [, ...answers] = everyAddress(conversation, 'gil', { clientId, guestUsername: 'gil' })
    return { conversation, answers }
  },
  'of a conversation of the library whose messages name nobody': async (chat) => {
    await chat.store.saveChatMessage({ ...fromClient, sessionId: 'session 9', text: 'hello' })
    return { conversation: 'session 9', answers: [['session 9', { clientId: null, guestUsername: null }]] }
  },
}

const texts = (peer: Peer): readonly unknown[] =>
  peer.all('operatorMessage').map((event) => (event as { message: string }).message)

describe.each(['connected', 'offline'] as const)(
  'an answer is stored with whom it is sent to, while the guest is %s',
  (presence) => {
    test.for(Object.keys(SITUATIONS))('%s', async (name, { chat }) => {
      const lucia = await chat.operator('Lucía', 1)
      const { guest, conversation, answers } = (await SITUATIONS[name]?.(chat, lucia)) ?? {
        conversation: '',
        answers: [],
      }
      if (presence === 'offline' && guest !== undefined) {
        const gone = lucia.all('chatEnded').length
        guest.socket.disconnect()
        await lucia.next('chatEnded', gone + 1)
      }
      const clients = await chat.database.query('SELECT "id" FROM "Client" ORDER BY "id"')
      for (const [to, whose] of answers) {
        const message = `to ${to}`
        const { id } = expectOk(await lucia.ask('operatorMessage', { to, message, messageId: message }))
        const [row] = await chat.database.query(
          'SELECT "sessionId", "clientId", "guestUsername" FROM "ChatMessage" WHERE "id" = $1',
          [id],
        )
        expect(row, message).toEqual({ sessionId: conversation, ...whose })
        const again = expectOk(await lucia.ask('operatorMessage', { to, message, messageId: message }))
        expect(again, message).toMatchObject({ id, duplicate: true })
        const contacts = [
          { to },
          { to: conversation },
          ...(whose.clientId === null ? [] : [{ to: whose.clientId }, { clientId: whose.clientId }]),
          ...(whose.guestUsername === null ? [] : [{ username: whose.guestUsername }]),
        ]
        for (const contact of contacts)
          expect(
            expectOk(await lucia.ask('history', contact)).messages.at(-1),
            JSON.stringify([to, contact]),
          ).toMatchObject({
            id,
          })
        if (whose.clientId === null) continue
        const { chats } = expectOk(await lucia.ask('recentChats', { limit: 1 }))
        expect(chats, message).toMatchObject([{ clientId: whose.clientId, lastMessage: { id } }])
      }
      expect(await chat.database.query('SELECT "id" FROM "Client" ORDER BY "id"')).toEqual(clients)
      if (guest === undefined || presence === 'offline') return
      const shown = answers.map(([to]) => `to ${to}`)
      await guest.next('operatorMessage', shown.length)
      expect(texts(guest).slice(-shown.length)).toEqual(shown)
    })
  },
)

test("an answer that is sent again is found, though the conversation is another client's by then", async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const guest = await chat.guest('nick')
  const answer = (message: string) => lucia.ask('operatorMessage', { to: guest.clientId, message, messageId: 'once' })
  const { id } = expectOk(await answer('hello'))
  const rita = await register(chat, 'rita')
  await chat.store.saveChatMessage({ ...fromClient, clientId: rita, sessionId: guest.clientId, text: 'as Rita' })
  expect(await answer('hello')).toMatchObject({ ok: true, id, duplicate: true, to: guest.clientId })
  expect(await answer('other')).toMatchObject({ ok: false, error: { code: 'idempotency_conflict' } })
  expect(texts(guest)).toEqual(['hello'])
})

test("a visitor who typed a registered client's name is shown what is sent to the conversation, and nothing else", async ({
  chat,
}) => {
  const lucia = await chat.operator('Lucía', 1)
  const rita = await register(chat, 'rita')
  const [stranger, own] = [await chat.guest('rita'), await chat.guest('nick')]
  await say(stranger)
  await chat.store.saveChatMessage({ ...fromClient, clientId: rita, sessionId: own.clientId, text: 'as Rita' })
  for (const online of [true, false]) {
    if (!online) {
      own.socket.disconnect()
      await lucia.next('chatEnded')
    }
    expectOk(await lucia.ask('operatorMessage', { to: stranger.clientId, message: 'who are you?' }))
    for (const to of [rita, `client-${rita}`, 'rita', 'name-rita']) {
      const answer = await lucia.ask('operatorMessage', { to, message: 'for Rita alone' })
      expect(answer).toMatchObject({ ok: true, to: own.clientId })
    }
  }
  expect(texts(stranger)).toEqual(['who are you?', 'who are you?'])
  expect(texts(own)).toEqual(Array(4).fill('for Rita alone'))
  const byName = (await chat.store.getChatHistory({ guestUsername: 'rita' })).messages.map(({ text }) => text)
  expect(byName).toEqual(['hello', 'who are you?', 'who are you?'])
})
