import { untilDrained, withOutage, type Outage } from '../../support/chat-outage.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withoutMessages, type Peer } from '../../support/socket-chat.js'
import { settled, withWidget } from '../../support/widget.js'

const fromClient = { senderType: 'CLIENT', messageType: 'TEXT' } as const

/** Lucía's answers, queued. The text of each is its address. */
const queue = async (lucia: Peer, addresses: readonly (string | number)[]): Promise<void> => {
  for (const to of addresses)
    expect(await lucia.ask('operatorMessage', { to, message: String(to) })).toMatchObject({ ok: true, queued: true })
}

const register = async ({ database }: Outage, username: string): Promise<number> => {
  const [{ id }] = (await database.query(
    `INSERT INTO "Client" ("username", "updatedAt") VALUES ('${username}', now()) RETURNING "id"`,
  )) as [{ id: number }]
  return id
}

const storedAnswers = (database: TestDatabase) =>
  database.query<{ text: string; sessionId: string; clientId: number }>(
    `SELECT "text", "sessionId", "clientId" FROM "ChatMessage" WHERE "senderType" = 'OPERATOR' ORDER BY "id"`,
  )

const textsTo = ({ all }: Peer): readonly unknown[] =>
  all('operatorMessage').map((payload) => (payload as { readonly message: unknown }).message)

const NAME = 'Aurelia Quint'

for (const kind of ['guest', 'registered'] as const)
  test(`a queued answer to a name does not go to a namesake when the ${kind} client was erased meanwhile`, async ({
    database,
  }) => {
    await withoutMessages(database)
    await withOutage(database, async (chat) => {
      const whose = kind === 'guest' ? { guestUsername: NAME } : { clientId: await register(chat, NAME) }
      await chat.store.saveChatMessage({ ...fromClient, ...whose, text: 'hello', sessionId: 'tab' })
      const namesake = await chat.guest(NAME)
      const lucia = await chat.operator('Lucía', 1)
      chat.away()
      const addresses = [NAME, `name-${NAME}`]
      await queue(lucia, addresses)
      await chat.store.eraseContact({ usernames: [NAME] })
      chat.back()
      await untilDrained(chat)
      expect(await lucia.next('messageRejected', addresses.length)).toMatchObject({
        error: {
          code: 'unknown_conversation',
          retryable: false,
          message: expect.stringContaining(`"name-${NAME}" when this came`) as string,
        },
      })
      expect(chat.log.filter((line) => line.includes('"queued_message_rejected"'))).toHaveLength(addresses.length)
      expect(chat.log.join('\n')).not.toContain(NAME)
      expect(expectOk(await namesake.ask('history', {})).messages).toEqual([])
      expect(textsTo(namesake)).toEqual([])
      expect(await storedAnswers(database)).toEqual([])
    })
  })

test('queued answers to clients who are merged meanwhile are stored once with the one who stays, each where it was sent', async ({
  database,
}) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    const [ana, bea] = [await chat.guest('ana'), await chat.guest('bea')]
    expectOk(await ana.ask('clientMessage', { message: 'hello' }))
    expectOk(await bea.ask('clientMessage', { message: 'hello' }))
    const [a, b] = await database.query<{ id: number }>(
      `SELECT "id" FROM "Client" WHERE "username" IN ('ana', 'bea') ORDER BY "username"`,
    )
    const [from, into] = [a?.id ?? 0, b?.id ?? 0]
    const lucia = await chat.operator('Lucía', 1)
    chat.away()
    const [toAna, toBea] = [
      ['name-ana', from, 'ana', ana.clientId],
      ['name-bea', into, 'bea', bea.clientId],
    ] as const
    await queue(lucia, [...toBea, ...toAna, ...toBea.slice(1, 3), ...toAna.slice(0, 3)])
    await chat.store.mergeClients({ from, into })
    chat.back()
    await untilDrained(chat)
    const stored = await storedAnswers(database)
    expect(stored.map(({ clientId }) => clientId)).toEqual(Array(13).fill(into))
    const inConversation = (conversation: string) =>
      stored.filter(({ sessionId }) => sessionId === conversation).map(({ text }) => text)
    expect(inConversation(ana.clientId).toSorted()).toEqual([...toAna, ...toAna.slice(0, 3)].map(String).toSorted())
    expect(inConversation(bea.clientId).toSorted()).toEqual([...toBea, ...toBea.slice(1, 3)].map(String).toSorted())
    await ana.next('operatorMessage')
    expect(textsTo(bea)).not.toContain('ana')
  })
})

for (const by of ['guest', 'operator'] as const)
  test(`an answer that is queued after the ${by} has ended the chat is shown once when the guest returns`, async ({
    database,
  }) => {
    await withoutMessages(database)
    await withOutage(database, async (chat) => {
      const lucia = await chat.operator('Lucía', 1)
      await withWidget(chat.server.port, {}, async (widget) => {
        await settled(widget)
        chat.away()
        const { socket } = widget
        const conversation = widget.clientId()
        if (by === 'guest') socket.emit('chatEnded')
        else expectOk(await lucia.ask('endChat', { clientId: conversation }))
        await lucia.next('chatEnded')
        socket.disconnect()
        await lucia.next('chatEnded', 2)
        await queue(lucia, [conversation])
        chat.back()
        await untilDrained(chat)
        expect(await storedAnswers(database)).toMatchObject([{ text: conversation, sessionId: conversation }])
        socket.connect()
        await widget.shows(conversation)
        await settled(widget)
        await widget.shows(conversation)
      })
    })
  })

test('typing that cannot be looked up while the database is unavailable is refused without a line in the log', async ({
  database,
}) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    await chat.store.saveChatMessage({ ...fromClient, guestUsername: 'ana', text: 'hello' })
    const lucia = await chat.operator('Lucía', 1)
    chat.away()
    for (const to of ['ana', 1])
      expect(await lucia.ask('operatorTyping', { to, isTyping: true })).toMatchObject({
        error: { code: 'database_unavailable', retryable: true },
      })
    expect(await lucia.ask('recentChats', {})).toMatchObject({ error: { code: 'database_unavailable' } })
    expect(chat.log.filter((line) => line.includes('"request_failed"'))).toEqual([
      expect.stringContaining('"request":"recentChats"'),
    ])
  })
})
