import { readFile } from 'node:fs/promises'
import { runChatkeep } from '../../support/chatkeep.js'
import { untilDrained, withOutage, type Outage } from '../../support/chat-outage.js'
import type { Tap } from '../../support/cuttable-proxy.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withoutMessages, type JoinedGuest } from '../../support/socket-chat.js'

const fromGuest = { senderType: 'CLIENT', messageType: 'TEXT' } as const

/** Where the operator's messages went. */
const answers = (database: TestDatabase) =>
  database.query<{ text: string; sessionId: string; clientId: number }>(
    `SELECT "text", "sessionId", "clientId" FROM "ChatMessage" WHERE "senderType" = 'OPERATOR' ORDER BY "text"`,
  )

const rejectedLines = ({ journal }: Outage): Promise<string> => readFile(`${journal}.rejected`, 'utf8')

test('while the database is unavailable, answers to every form of address are queued, and reach whom they were meant for', async ({
  database,
}) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    const { clientId: gil } = await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'gil' })
    await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'pia', sessionId: 'session 9' })
    const ana = await chat.guest('ana')
    expectOk(await ana.ask('clientMessage', { message: 'hello' }))
    const [{ clientId: anaId }] = (await database.query(
      `SELECT "clientId" FROM "ChatMessage" WHERE "guestUsername" = 'ana'`,
    )) as [{ clientId: number }]
    const lucia = await chat.operator('Lucía', 1)

    chat.away()
    const asked = [
      ana.clientId,
      anaId,
      `client-${anaId}`,
      'ana',
      gil ?? 0,
      'gil',
      'session 9',
      'pia',
      'nobody',
    ] as const
    for (const [index, to] of asked.entries()) {
      const queued = await lucia.ask('operatorMessage', { to, message: String(index), messageId: `m${index}` })
      expect(queued, String(to)).toMatchObject({
        ok: true,
        queued: true,
        to: typeof to === 'number' ? `client-${to}` : to,
      })
    }
    expect(await lucia.next('messageQueued', 2)).toMatchObject({ messageId: 'm1', to: `client-${anaId}` })
    // Somebody else of that name, who begins to write before the answers are stored.
    const late = await chat.store.saveChatMessage({ ...fromGuest, text: 'hi', guestUsername: 'ana', sessionId: 'late' })
    expect(late.clientId).toBe(anaId)
    chat.back()
    await untilDrained(chat)

    const ofAna = { sessionId: ana.clientId, clientId: anaId }
    const ofGil = { sessionId: `client-${gil}`, clientId: gil }
    const sent = await answers(database)
    expect(sent).toMatchObject([
      ofAna,
      ofAna,
      ofAna,
      ofAna,
      ofGil,
      ofGil,
      ...Array<object>(2).fill({ sessionId: 'session 9' }),
    ])
    expect(sent.map(({ text }) => text)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    await ana.next('operatorMessage', 4)
    expect(ana.all('operatorMessage')).toMatchObject(['0', '1', '2', '3'].map((message) => ({ message })))
    expect(expectOk(await ana.ask('history')).messages.map(({ text }) => text)).toEqual(['hello', '0', '1', '2', '3'])

    // Each is confirmed, or its sender told.
    await lucia.next('messageSent', 8)
    expect(await lucia.next('messageRejected')).toMatchObject({
      ...{ messageId: 'm8', to: 'nobody' },
      error: { code: 'unknown_conversation', retryable: false, message: expect.stringContaining('nobody') as string },
    })
    expect(await rejectedLines(chat)).toContain('"m8"')

    // Sent again, each finds its message.
    for (const [index, to] of asked.slice(0, -1).entries()) {
      const again = await lucia.ask('operatorMessage', { to, message: String(index), messageId: `m${index}` })
      expect(again, String(to)).toMatchObject({ ok: true, duplicate: true })
    }
  })
})

test('replay stores what a journal has for a client or a name', async ({ database }) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    const ana = await chat.guest('ana')
    expectOk(await ana.ask('clientMessage', { message: 'hello' }))
    await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'gil' })
    const lucia = await chat.operator('Lucía', 1)
    chat.away()
    for (const to of ['ana', 'gil'])
      expect(await lucia.ask('operatorMessage', { to, message: to })).toMatchObject({ ok: true, queued: true })
    for (const counts of [
      { saved: 2, duplicates: 0 },
      { saved: 0, duplicates: 2 },
    ]) {
      const { exitCode, stdout } = await runChatkeep(['replay', chat.journal, '--json', '--database-url', database.url])
      expect(JSON.parse(stdout)).toMatchObject(counts)
      expect(exitCode).toBe(0)
    }
    expect(await answers(database)).toMatchObject([
      { sessionId: ana.clientId },
      { sessionId: expect.stringMatching(/^client-\d+$/) as string },
    ])
    chat.back()
    await untilDrained(chat)
    expect(await answers(database)).toHaveLength(2)
  })
})

test('a queued answer to nobody does not go to who takes that name, id or conversation later', async ({ database }) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    const { clientId: last } = await chat.store.saveChatMessage({ ...fromGuest, text: 'hello', guestUsername: 'gil' })
    const lucia = await chat.operator('Lucía', 1)
    chat.away()
    const next = (last ?? 0) + 1
    const addresses = ['pia', 'name-pia', 'conv-pia', next, `client-${next}`]
    for (const to of addresses)
      expect(await lucia.ask('operatorMessage', { to, message: 'secret' })).toMatchObject({ ok: true, queued: true })
    const pia = { ...fromGuest, text: 'hi', guestUsername: 'pia', sessionId: 'conv-pia' }
    expect(await chat.store.saveChatMessage(pia)).toMatchObject({ clientId: next })

    const { exitCode, stdout } = await runChatkeep([
      ...['replay', chat.journal, '--json', '--database-url', database.url],
    ])
    expect(JSON.parse(stdout)).toMatchObject({ saved: 0, rejected: addresses.length })
    expect(exitCode).not.toBe(0)

    chat.back()
    await untilDrained(chat)
    expect(await lucia.next('messageRejected', addresses.length)).toMatchObject({
      error: { code: 'unknown_conversation', retryable: false },
    })
    expect((await rejectedLines(chat)).trim().split('\n')).toHaveLength(addresses.length)
    expect(await answers(database)).toEqual([])
  })
})

/** Who was a guest when the operator answered in the outage, and who has the answers afterwards. */
const answerInOutage = async (chat: Outage) => {
  const silent = await chat.guest('silent')
  const nick = await chat.guest('nick')
  const ana = await chat.guest('ana')
  expectOk(await ana.ask('clientMessage', { message: 'hello' }))
  const [{ id: rita }] = (await chat.database.query(
    `INSERT INTO "Client" ("username", "updatedAt") VALUES ('rita', now()) RETURNING "id"`,
  )) as [{ id: number }]
  await chat.store.saveChatMessage({ ...fromGuest, clientId: rita, sessionId: nick.clientId, text: 'as Rita' })
  await chat.store.saveChatMessage({
    ...{ sessionId: ana.clientId, senderType: 'OPERATOR', operatorId: 2, messageType: 'TEXT', text: '0' },
  })
  const lucia = await chat.operator('Lucía', 1)
  const sent = [
    ...[ana.clientId, 'ana'].map((to) => ({ to, sessionId: ana.clientId, username: 'ana', guestUsername: 'ana' })),
    ...[nick.clientId, rita, 'rita'].map((to) => ({
      ...{ to, sessionId: nick.clientId, username: 'rita', guestUsername: null },
    })),
    { to: silent.clientId, sessionId: silent.clientId, username: 'silent', guestUsername: 'silent' },
  ]
  chat.away()
  for (const [index, { to }] of sent.entries())
    expect(await lucia.ask('operatorMessage', { to, message: String(index + 1) })).toMatchObject({ queued: true })
  const wanted = sent.map(({ to: _, ...row }, index) => ({ text: String(index + 1), ...row }))
  return { lucia, guests: [silent, nick, ana], wanted }
}

/** The answers of Lucía, and the name of the client with whom each is stored. */
const storedAnswers = (database: TestDatabase) =>
  database.query(
    `SELECT m."text", m."sessionId", c."username", m."guestUsername"
     FROM "ChatMessage" AS m LEFT JOIN "Client" AS c ON c."id" = m."clientId"
     WHERE m."operatorId" = 1 ORDER BY m."text"`,
  )

for (const presence of ['connected', 'gone'] as const)
  test(`queued answers are stored with whom they were sent to, also to guests who are ${presence} when that is done`, async ({
    database,
  }) => {
    await withoutMessages(database)
    await withOutage(database, async (chat) => {
      const { lucia, guests, wanted } = await answerInOutage(chat)
      if (presence === 'gone') {
        for (const { socket } of guests) socket.disconnect()
        await lucia.next('chatEnded', guests.length)
      }
      chat.back()
      await untilDrained(chat)
      expect(await storedAnswers(database)).toEqual(wanted)
      await lucia.next('messageSent', wanted.length)
      expect(lucia.all('messageRejected')).toEqual([])
      for (const [index, guest] of guests.toReversed().entries()) {
        const back = presence === 'connected' ? guest : await chat.guest(`back ${index}`, { token: guest.token })
        const { messages } = expectOk(await back.ask('history', {}))
        const answered = messages.filter(({ text }) => /^[1-9]$/.test(String(text))).map(({ text }) => text)
        expect(answered).toEqual(wanted.filter(({ sessionId }) => sessionId === guest.clientId).map(({ text }) => text))
      }
    })
  })

test('replay stores queued answers with whom they were sent to', async ({ database }) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    const { wanted } = await answerInOutage(chat)
    const argv = ['replay', chat.journal, '--json', '--database-url', database.url]
    for (const saved of [wanted.length, 0]) {
      const { exitCode, stdout } = await runChatkeep(argv)
      expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { saved, rejected: 0 }])
    }
    expect(await storedAnswers(database)).toEqual(wanted)
    chat.back()
    await untilDrained(chat)
    expect(await storedAnswers(database)).toEqual(wanted)
  })
})

test('queued answers to one chat are stored in order, also when the database is back only after one of them was looked up', async ({
  database,
}) => {
  await withoutMessages(database)
  let failures = 0
  const isLookUp = (bytes: Buffer) => bytes.includes('anastasia') && !bytes.includes('INSERT')
  const makeTap = (): Tap => ({
    fromClient: (bytes) => {
      if (failures === 0 || !isLookUp(bytes)) return 'pass'
      failures -= 1
      return 'drop, and cut'
    },
    fromServer: () => 'pass',
  })
  const work = async (chat: Outage): Promise<void> => {
    const ana = await chat.guest('anastasia')
    expectOk(await ana.ask('clientMessage', { message: 'hello' }))
    const lucia = await chat.operator('Lucía', 1)
    chat.away()
    // Once this is stored, the answers are read together.
    expect(await ana.ask('clientMessage', { message: '0' })).toMatchObject({ queued: true })
    const sent = ['anastasia', ana.clientId, 'name-anastasia', ana.clientId]
    for (const [index, to] of sent.entries())
      expect(await lucia.ask('operatorMessage', { to, message: String(index + 1) })).toMatchObject({ queued: true })
    failures = 4
    chat.back()
    await untilDrained(chat)
    expect(failures).toBe(0)
    const texts = ['hello', '0', '1', '2', '3', '4']
    expect(expectOk(await ana.ask('history')).messages.map(({ text }) => text)).toEqual(texts)
    await ana.next('operatorMessage', 4)
    expect(ana.all('operatorMessage')).toMatchObject(['1', '2', '3', '4'].map((message) => ({ message })))
  }
  // Each look-up is made once.
  await withOutage(database, work, { deadlineMs: 0, makeTap })
})

test('a queued answer to the name of a guest whose first message waits before it follows that', async ({
  database,
}) => {
  await withoutMessages(database)
  await withOutage(database, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    chat.away()
    const guests: JoinedGuest[] = []
    for (const to of ['mia', 'name-noa']) {
      const guest = await chat.guest(to.replace('name-', ''))
      guests.push(guest)
      expect(await guest.ask('clientMessage', { message: 'first' })).toMatchObject({ queued: true })
      for (const message of ['second', 'third'])
        expect(await lucia.ask('operatorMessage', { to, message })).toMatchObject({ queued: true })
    }
    chat.back()
    await untilDrained(chat)
    expect(lucia.all('messageRejected')).toEqual([])
    for (const guest of guests) {
      const { messages } = expectOk(await guest.ask('history'))
      expect(messages.map(({ text }) => text)).toEqual(['first', 'second', 'third'])
    }
  })
})
