import { createChatClient } from '../../../src/client/chat-client.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { expect, test } from '../../support/database.js'
import { SECRET, withChat, withoutMessages } from '../../support/socket-chat.js'
import { isThorough } from '../../support/thorough.js'
import { until } from '../../support/until.js'

const CLIENTS = isThorough ? 300 : 60

const guestAt = (url: string, username: string, answerTimeoutMs = 5_000) =>
  createChatClient({ url, join: { role: 'client', username }, answerTimeoutMs })

test('a client refused by a full server connects once there is room', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxConnections: 2 }, async (chat) => {
    const [first, second] = [await chat.guest('one'), await chat.guest('two')]
    const ana = guestAt(chat.server.url, 'ana', 120_000)
    const kept = ana.send({ message: 'patient' })
    await until(() => chat.log.some((line) => line.includes('too_many_connections')), { what: 'a refusal' })
    first.socket.disconnect()
    const freeAt = performance.now()
    expect(await kept).toMatchObject({ queued: false, duplicate: false })
    // It asks again by itself, and not only once its time-out is over.
    expect(performance.now() - freeAt).toBeLessThan(60_000)
    expect(second.socket.connected).toBe(true)
    await ana.close()
  })
})

test('an operator whose address has to wait joins after the wait, or is told why it cannot', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const operatorWith = (token: string, patienceMs?: number) =>
      createChatClient({ url: chat.server.url, join: { role: 'operator', name: 'Ana', token }, patienceMs })
    const wrong = operatorWith('a wrong secret')
    const guess = async () => (await chat.connect()).ask('join', { role: 'operator', name: 'Ana', token: 'wrong' })
    expect(await wrong.join()).toMatchObject({ ok: false, error: { code: 'unauthorized' } })
    await wrong.close()
    // The client itself may have joined twice.
    await until(async () => (await guess()).error?.code === 'rate_limited', { what: 'the wait begins' })
    const [patient, impatient] = [operatorWith(SECRET), operatorWith(SECRET, 300)]
    await expect(impatient.join()).rejects.toMatchObject({ code: 'rate_limited', retryable: true })
    expect(await patient.join()).toMatchObject({ ok: true, maxMessageBytes: 1_048_576 })
    expect(await patient.ask('recentChats')).toMatchObject({ ok: true })
    await Promise.all([patient.close(), impatient.close()])
  })
})

test('many clients of one process are all back after a restart of the server, and lose nothing', async ({
  database,
}) => {
  await withoutMessages(database)
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  await withChat(database, {}, async ({ server, store }) => {
    const clients = Array.from({ length: CLIENTS }, (_, number) => guestAt(server.url, `guest ${number}`))
    await Promise.all(clients.map((client) => client.send({ message: 'before' })))
    const names = clients.map(({ clientId }) => clientId)
    const underWay = clients.map((client) => client.send({ message: 'meanwhile' }))
    await server.close()
    const next = await startChatServer({ store, port: server.port, eventsPerSecond: 0 })
    await Promise.all(underWay)
    await Promise.all(clients.map((client) => client.send({ message: 'after' })))
    expect(clients.map(({ clientId }) => clientId)).toEqual(names)
    await Promise.all(clients.map((client) => client.close()))
    await next.close()
  })
  process.off('warning', note)
  expect(warnings).toEqual([])
  expect(await database.query(`SELECT "text", count(*)::integer FROM "ChatMessage" GROUP BY 1 ORDER BY 1`)).toEqual([
    { text: 'after', count: CLIENTS },
    { text: 'before', count: CLIENTS },
    { text: 'meanwhile', count: CLIENTS },
  ])
})
