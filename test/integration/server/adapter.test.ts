import { createHash } from 'node:crypto'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { startChatServer, type ChatServerOptions } from '../../../src/server/chat-server.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { findPgBouncer, withPooler } from '../../support/pooler.js'
import { expectOk, rowIdOf, SECRET, withChat, withoutMessages, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const adapterOn = ({ url }: TestDatabase) => ({ target: toConnectionTarget(parseDatabaseUrl(url, 'the test')) })

/** Two servers on one database. */
const withTwo = async (
  database: TestDatabase,
  work: (a: TestChat, b: TestChat) => Promise<void>,
  given: Partial<ChatServerOptions> = {},
): Promise<void> => {
  await withoutMessages(database)
  const options = { ...given, adapter: adapterOn(database) }
  await withChat(database, options, (a) => withChat(database, options, (b) => work(a, b)))
}

const listed = async (operator: Awaited<ReturnType<TestChat['operator']>>): Promise<unknown> => {
  const before = operator.all('connectedOperatorsList').length
  operator.socket.emit('getConnectedOperators', {})
  await operator.next('connectedOperatorsList', before + 1)
  return operator.all('connectedOperatorsList').at(-1)
}

/** Waits until an operator's list is this. */
const untilListed = (operator: Awaited<ReturnType<TestChat['operator']>>, names: readonly string[]): Promise<void> =>
  until(
    async () => {
      const operators = (await listed(operator)) as readonly { readonly name: string }[]
      expect(operators.map(({ name }) => name).sort()).toEqual([...names].sort())
    },
    { what: `the operators listed are ${names.join(', ')}` },
  )

/** Any role may listen to any channel of the database, and notify it. */
const listenIn = async (database: TestDatabase) => {
  const channel = `chatkeep_${createHash('sha256').update('public').digest('hex').slice(0, 32)}`
  const anybody = await database.client()
  const overheard: string[] = []
  anybody.on('notification', ({ payload = '' }) => overheard.push(payload))
  await anybody.query(`LISTEN ${channel}`)
  return { anybody, channel, overheard }
}

const overhear = async (database: TestDatabase): Promise<readonly string[]> => {
  const { anybody, channel, overheard } = await listenIn(database)
  for (const forged of ['', 'x', 'feed 0 1 ', `feed ${'A'.repeat(80)}`]) {
    await anybody.query('SELECT pg_notify($1, $2)', [channel, forged])
  }
  return overheard
}

const ADAPTERS = `application_name = 'chatkeep serve adapter' AND datname = current_database()`

test('an operator on one server and a guest on the other have one conversation', async ({ database }) => {
  await withTwo(database, async (a, b) => {
    const overheard = await overhear(database)
    const lucia = await a.operator('Lucía', 1)
    const mateo = await b.operator('Mateo', 2)
    expect(await lucia.next('operatorConnected')).toEqual({ operatorId: 2, name: 'Mateo' })
    await untilListed(mateo, ['Lucía', 'Mateo'])
    // The news of Lucía may reach the other server before Mateo joins or after.
    const alreadyConnected = mateo.all('operatorConnected').length

    // Nothing of ana is stored when the operator writes to her.
    const ana = await b.guest('ana', { phone: '+34600000001' })
    expect(await lucia.next('newChat')).toEqual({
      clientId: ana.clientId,
      to: ana.clientId,
      username: 'ana',
      phone: '+34600000001',
    })
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'May I help?' }))
    expect(await ana.next('operatorMessage')).toMatchObject({ message: 'May I help?', operatorName: 'Lucía' })
    expect(await mateo.next('operatorBroadcast')).toMatchObject({
      clientId: ana.clientId,
      to: ana.clientId,
      operatorName: 'Lucía',
    })
    expect(await database.query(`SELECT "username", "phone" FROM "Client" WHERE "username" = 'ana'`)).toEqual([
      { username: 'ana', phone: null },
    ])

    ana.socket.emit('clientTyping', { isTyping: true })
    expect(await lucia.next('clientTyping')).toEqual({ from: ana.clientId, to: ana.clientId, isTyping: true })
    lucia.socket.emit('operatorTyping', { to: ana.clientId, isTyping: true })
    expect(await ana.next('operatorTyping')).toEqual({ isTyping: true })

    // Far above the 8,000 bytes of a notification, with characters of every width.
    const long = 'ñ€😀\\"\n'.repeat(40_000)
    const question = { type: 'text', message: long, messageId: 'one' }
    const asked = expectOk(await ana.ask('clientMessage', question))
    expect(await lucia.next('incomingMessage')).toMatchObject({ from: ana.clientId, id: rowIdOf(asked), message: long })

    // Another tab at the other server: no new chat, and what was sent already is a duplicate there, and not sent on.
    const tab = await a.guest('ana', { token: ana.token })
    expect(expectOk(await tab.ask('clientMessage', question))).toMatchObject({ id: asked.id, duplicate: true })
    expectOk(await tab.ask('clientMessage', { type: 'text', message: 'and this', messageId: 'two' }))
    expect(await mateo.next('incomingMessage', 2)).toMatchObject({ from: ana.clientId, message: 'and this' })
    expectOk(await tab.ask('chatEnded', {}))
    expect(await mateo.next('chatEnded')).toEqual({ clientId: ana.clientId, to: ana.clientId })
    for (const operator of [lucia, mateo]) {
      expect(operator.all('incomingMessage')).toHaveLength(2)
      expect(operator.all('newChat')).toHaveLength(1)
    }

    // The same operator twice is one; gone is who has no socket anywhere.
    const again = await b.operator('Lucía', 1)
    await untilListed(mateo, ['Lucía', 'Mateo'])
    again.socket.disconnect()
    const third = await b.operator('Noa', 3)
    await lucia.next('operatorConnected', 2)
    third.socket.disconnect()
    expect(await lucia.next('operatorDisconnected')).toEqual({ operatorId: 3, name: 'Noa' })
    expect(mateo.all('operatorConnected').slice(alreadyConnected)).toEqual([{ operatorId: 3, name: 'Noa' }])
    expect(mateo.all('operatorDisconnected')).toEqual([{ operatorId: 3, name: 'Noa' }])
    await b.server.close()
    await lucia.next('operatorDisconnected', 2)
    await untilListed(lucia, ['Lucía'])

    expect(overheard.length).toBeGreaterThan(20)
    const whole = overheard.flatMap((payload) => [
      payload,
      Buffer.from(payload.split(' ').at(-1) ?? '', 'base64').toString(),
    ])
    expect(whole.join('\n')).not.toMatch(/May I help|Lucía|34600000001|clientTyping/)
    expect(whole.join('\n')).not.toContain(ana.token)
  })
})

test('a chat ends with the last socket of any server, and not with a server that stops', async ({ database }) => {
  await withTwo(
    database,
    async (a, b) => {
      const lucia = await a.operator('Lucía', 1)
      const [ana, bruno, carla] = [await b.guest('ana'), await b.guest('bruno'), await b.guest('carla')]
      await lucia.next('newChat', 3)
      const mateo = await a.operator('Mateo', 2)
      await mateo.next('newChat', 3)
      expect(new Set(mateo.all('newChat'))).toEqual(new Set(lucia.all('newChat')))

      const tab = await a.guest('bruno', { token: bruno.token })
      bruno.socket.disconnect()
      carla.socket.disconnect()
      expect(await lucia.next('chatEnded')).toEqual({
        clientId: carla.clientId,
        to: carla.clientId,
        reason: 'disconnect',
      })
      expectOk(await lucia.ask('endChat', { clientId: ana.clientId }))
      expect(await ana.next('chatEnded')).toMatchObject({ message: expect.any(String) as string })
      await b.server.close()
      await ana.disconnected()
      await a.guest('ana', { token: ana.token })
      tab.socket.disconnect()
      expect(await lucia.next('chatEnded', 3)).toEqual({
        clientId: bruno.clientId,
        to: bruno.clientId,
        reason: 'disconnect',
      })
      expect(lucia.all('chatEnded')[1]).toEqual({ clientId: ana.clientId, to: ana.clientId, reason: 'operator' })
    },
    { disconnectGraceMs: 0 },
  )
})

test('what was overheard has no effect when it is shown again, in this database or another', async ({ database }) => {
  await withTwo(database, async (a, b) => {
    const { anybody, channel, overheard } = await listenIn(database)
    const lucia = await a.operator('Lucía', 1)
    const ana = await b.guest('ana')
    await lucia.next('newChat')
    ana.socket.emit('clientTyping', { isTyping: true })
    await lucia.next('clientTyping')
    await until(() => overheard.length > 0, { what: 'packets are overheard' })
    const captured = [...overheard]
    await withDatabase(async (other) => {
      await withTwo(other, async (c) => {
        const [mateo, noa] = [await c.operator('Mateo', 2), await c.guest('noa')]
        const there = await listenIn(other)
        for (const [role, payloads] of [
          [anybody, captured],
          [there.anybody, captured],
        ] as const) {
          for (const payload of payloads) await role.query('SELECT pg_notify($1, $2)', [channel, payload])
        }
        // What comes after them in the same channels has arrived.
        ana.socket.emit('clientTyping', { isTyping: false })
        await lucia.next('clientTyping', 2)
        await until(() => c.log.join().includes('"event":"adapter_stranger"'), { what: 'adapter_stranger' })
        noa.socket.emit('clientTyping', { isTyping: true })
        await mateo.next('clientTyping')
        expect(lucia.all('clientTyping')).toMatchObject([{ isTyping: true }, { isTyping: false }])
        expect(mateo.all('clientTyping')).toHaveLength(1)
        expect([...a.log, ...b.log].join('\n')).not.toContain('adapter_stranger')
      })
    })
  })
})

test('messages are kept while the servers cannot reach one another, and they find each other again', async ({
  database,
}) => {
  await withTwo(database, async (a, b) => {
    const lucia = await a.operator('Lucía', 1)
    const ana = await b.guest('ana')
    await lucia.next('newChat')
    const ended = await database.query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE ${ADAPTERS}`)
    expect(ended).toHaveLength(2)
    await until(() => b.log.join().includes('"event":"adapter_lost"'), { what: 'adapter_lost', intervalMs: 1 })
    const id = rowIdOf(expectOk(await ana.ask('clientMessage', { type: 'text', message: 'during' })))
    const bruno = await b.guest('bruno')

    await until(() => [a, b].every(({ log }) => log.join().includes('"event":"adapter_restored"')), {
      what: 'adapter_restored on both servers',
    })
    // What was missed comes now, and who came meanwhile is made known.
    expect(await lucia.next('incomingMessage')).toMatchObject({ id, message: 'during' })
    const { messages } = expectOk(await lucia.ask('history', { clientId: ana.clientId }))
    expect(messages).toMatchObject([{ id, text: 'during' }])
    await until(
      () =>
        expect(lucia.all('newChat')).toContainEqual({
          clientId: bruno.clientId,
          to: bruno.clientId,
          username: 'bruno',
        }),
      {
        what: "the operator hears of bruno's chat",
      },
    )
    expectOk(await bruno.ask('clientMessage', { type: 'text', message: 'after' }))
    await until(
      () => expect(lucia.all('incomingMessage')).toContainEqual(expect.objectContaining({ message: 'after' })),
      { what: "the operator gets bruno's message" },
    )
    expect(lucia.all('newChat')).toHaveLength(2)
    expect([...a.log, ...b.log].join('\n')).not.toMatch(/during|after|ana|bruno/)
  })
})

const pgBouncer = findPgBouncer()

test.skipIf(pgBouncer === undefined)(
  'a server does not start where it could not hear the others',
  async ({ database }) => {
    await withoutMessages(database)
    const store = createChatStore({ databaseUrl: database.url })
    const start = (adapter: ReturnType<typeof adapterOn>, operatorSecret?: string) =>
      startChatServer({ store, port: 0, operatorSecret, adapter, eventsPerSecond: 0 })
    await expect(start(adapterOn(database))).rejects.toMatchObject({ code: 'adapter_needs_secret' })
    await withPooler({ path: pgBouncer?.path ?? '', database }, async (pooled) => {
      await expect(start(adapterOn(pooled), SECRET)).rejects.toMatchObject({
        code: 'connection_pooler',
        message:
          '--adapter postgres cannot run through a connection pooler that shares sessions (transaction mode): other clients could get its notifications',
      })
    })
    await store.close()
  },
)
