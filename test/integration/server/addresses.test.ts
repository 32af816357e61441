import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { expect, test } from '../../support/database.js'
import {
  connectTo,
  expectOk,
  SECRET,
  withChat,
  withoutMessages,
  type Peer,
  type TestChat,
} from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

// Loopback addresses stand for neighbours: 127.0.0.1 asks too much, 127.0.0.2 is honest.
const HONEST = '127.0.0.2'

const honestGuest = async (chat: TestChat): Promise<Peer> => {
  const peer = await chat.connect('websocket', {}, HONEST)
  expectOk(await peer.ask('join', { role: 'client', username: 'honest' }))
  return peer
}

const FULL = { data: { code: 'too_many_connections', retryable: true } }

test('handshakes without a join lock nobody out, not even beside as many guests as fit', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxConnections: 2, maxUnjoinedPerAddress: 5 }, async (chat) => {
    const idle = []
    for (let number = 0; number < 5; number += 1) idle.push(await chat.connect(number === 0 ? 'polling' : 'websocket'))
    for (const transport of ['websocket', 'polling'] as const) {
      await expect(connectTo(chat.server.port, transport)).rejects.toMatchObject(FULL)
    }
    const honest = await honestGuest(chat)
    expectOk(await honest.ask('clientMessage', { type: 'text', message: 'hello' }))
    const lines = chat.log.filter((line) => line.includes('too_many_connections'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('"address":"127.0.0.1","pool":"unjoined"')
    idle[0]?.socket.disconnect()
    await until(() => chat.guest('ana'), { what: 'a guest of the first address is let in' })
  })
})

test('clients behind a trusted proxy are counted by their own addresses', async ({ database }) => {
  await withChat(database, { maxUnjoinedPerAddress: 1, trustProxy: 1 }, async (chat) => {
    const from = (address: string) => ({ 'x-forwarded-for': address })
    await chat.connect('websocket', from('192.0.2.1'))
    await expect(connectTo(chat.server.port, 'websocket', from('192.0.2.1'))).rejects.toMatchObject(FULL)
    await chat.connect('websocket', from('192.0.2.2'))
  })
})

test('an address has its share of guests, and operators are not among them', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxConnections: 3, maxConnectionsPerAddress: 2 }, async (chat) => {
    const ana = await chat.guest('ana')
    await chat.guest('bruno')
    const carla = await chat.connect()
    expect(await carla.ask('join', { role: 'client', username: 'carla' })).toMatchObject({
      error: {
        code: 'too_many_connections',
        message: 'connection limit reached (2 from this address); connect again later',
        retryable: true,
      },
    })
    await honestGuest(chat)
    // The server is full, and operators come in all the same.
    const dora = await chat.connect('websocket', {}, HONEST)
    const join = { role: 'client', username: 'dora' }
    expect(await dora.ask('join', join)).toMatchObject({ error: { message: expect.stringContaining('(3)') as string } })
    for (const name of ['Lucía', 'Bruno', 'Eva']) await chat.operator(name)
    expectOk(await carla.ask('join', { role: 'operator', name: 'Carla', token: SECRET }))
    ana.socket.disconnect()
    await until(async () => expectOk(await dora.ask('join', join)), { what: 'a place is free' })
  })
})

test('bytes, names and history of an address are limited by the minute, and no other address notices', async ({
  database,
}) => {
  await withoutMessages(database)
  const limits = { maxStoredBytesPerMinute: 3_000, maxNewNamesPerMinute: 3, maxReadBytesPerMinute: 400_000 }
  await withChat(database, limits, async (chat) => {
    const honest = await honestGuest(chat)
    const send = (peer: Peer, size: number) => peer.ask('clientMessage', { type: 'text', message: 'x'.repeat(size) })
    const guests = []
    for (let number = 0; number < 5; number += 1) guests.push(await chat.guest(`guest ${number}`))
    const answers = await Promise.all(guests.map((guest) => send(guest, 1)))
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, false, false])
    expect(answers[4]?.error).toEqual({
      code: 'rate_limited',
      message: 'more than 3 new names per minute from this address; wait a moment and send this again',
      retryable: true,
    })
    const [ana, bruno] = guests
    if (ana === undefined || bruno === undefined) throw new Error('no guests')
    expectOk(await send(ana, 2_000))
    expect(await send(bruno, 2_000)).toMatchObject({ error: { code: 'rate_limited', retryable: true } })

    const pages = await Promise.all(guests.map((guest) => guest.ask('history')))
    expect(pages.filter(({ ok }) => ok)).toHaveLength(1)
    expect(pages.find(({ ok }) => !ok)?.error).toMatchObject({ code: 'rate_limited', retryable: true })
    // Little was read: the rest may be read.
    expectOk(await ana.ask('history'))

    expectOk(await send(honest, 1_000))
    expectOk(await honest.ask('history'))
    const lucia = await chat.operator('Lucía', 1)
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'x'.repeat(5_000) }))
    for (let page = 0; page < 5; page += 1) expectOk(await lucia.ask('history', { clientId: ana.clientId }))
    expect(chat.log.filter((line) => line.includes('address_limited'))).toHaveLength(1)
  })
})

test('TCP connections that say nothing are few for each address, and are ended', async ({ database }) => {
  await withChat(database, { maxUnjoinedPerAddress: 3 }, async (chat) => {
    const { port } = chat.server
    const silent = Array.from({ length: 3 }, () => connectTcp({ port, host: '127.0.0.1' }))
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    const ended = silent.map((socket) => once(socket.resume(), 'close'))
    const refused = connectTcp({ port, host: '127.0.0.1' })
    refused.on('error', () => undefined)
    await once(refused.resume(), 'close')
    expect(chat.log.join()).toContain('"event":"silent_connections","address":"127.0.0.1"')
    await honestGuest(chat)
    await Promise.all(ended)
    await chat.guest('ana')
  })
})

test('binary attachments are dropped before they are collected', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const ana = await chat.guest('ana')
    const binary = Buffer.alloc(1_000)
    for (const payload of [{ type: 'image', image: binary }, binary, [binary, binary]]) {
      expect(await ana.ask('clientMessage', payload)).toMatchObject({ error: { code: 'invalid_payload' } })
    }
    // The head of a packet whose attachments never come; Socket.IO would wait for them.
    ana.socket.io.engine.write('51-["clientMessage",{"type":"text","message":"whole"},{"_placeholder":true,"num":0}]')
    await ana.next('messageSent')
    expectOk(await ana.ask('clientMessage', { type: 'text', message: 'goes on' }))
  })
})
