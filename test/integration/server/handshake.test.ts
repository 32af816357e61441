import { io, type Socket } from 'socket.io-client'
import { expect } from '../../support/database.js'
import { expectOk, SECRET, test, type Ack, type TestChat } from '../../support/socket-chat.js'

/** A stock client with a join in its handshake, and what it hears first. */
const withJoin = async (
  { server }: TestChat,
  auth: Readonly<Record<string, unknown>>,
  work: (socket: Socket, first: { readonly event: string; readonly payload: unknown }) => Promise<void>,
): Promise<void> => {
  const socket = io(`http://127.0.0.1:${server.port}`, { path: '/chat', forceNew: true, auth, reconnectionDelay: 50 })
  try {
    const first = new Promise<Parameters<typeof work>[1]>((resolve) =>
      socket.onAny((event: string, payload: unknown) => resolve({ event, payload })),
    )
    await work(socket, await first)
  } finally {
    socket.disconnect()
  }
}

const ask = async (socket: Socket, event: string, payload: object = {}): Promise<Ack> =>
  (await socket.timeout(15_000).emitWithAck(event, payload)) as Ack

const hello = { type: 'text', message: 'hello' }

test('the join may stand in the handshake', async ({ chat }) => {
  await withJoin(chat, { role: 'operator', name: 'Lucía', operatorId: 1, token: SECRET }, async (lucia, joined) => {
    expect(joined).toEqual({ event: 'joined', payload: { operatorId: 1, name: 'Lucía', maxMessageBytes: 1_048_576 } })
    const incoming = new Promise((resolve) => lucia.once('incomingMessage', resolve))
    await withJoin(chat, { role: 'client', username: 'ana', phone: '+1' }, async (ana, { event, payload }) => {
      const { token, clientId } = payload as Ack
      expect(event).toBe('joined')
      expectOk(await ask(ana, 'clientMessage', hello))
      expect(await incoming).toMatchObject({ from: clientId, message: 'hello' })
      await withJoin(chat, { role: 'client', username: 'ana', token }, async (again, rejoined) => {
        expect(rejoined).toEqual({ event: 'joined', payload: { token, clientId, maxMessageBytes: 1_048_576 } })
        expect((await ask(again, 'history')).messages).toHaveLength(1)
      })
    })
  })
})

test('a wrong join in the handshake is refused, and its sender told', async ({ chat }) => {
  await withJoin(chat, { role: 'client', username: 'ana', token: 'short' }, async (ana, first) => {
    expect(first).toMatchObject({ event: 'refused', payload: { code: 'invalid_token', retryable: false } })
    expectOk(await ask(ana, 'join', { role: 'client', username: 'ana' }))
  })
  await withJoin(chat, { role: 'guest' }, (_socket, first) => {
    expect(first).toMatchObject({ event: 'refused', payload: { code: 'invalid_payload' } })
    return Promise.resolve()
  })
  await withJoin(chat, { role: 'operator', name: 'Mallory', token: 'wrong' }, async (mallory, first) => {
    expect(first).toMatchObject({ event: 'refused', payload: { code: 'unauthorized' } })
    if (mallory.connected) await new Promise((resolve) => mallory.once('disconnect', resolve))
  })
})

test('a widget that keeps no token stays in its conversation when it reconnects, and only then', async ({ chat }) => {
  const auth = { role: 'client', username: 'ana' }
  await withJoin(chat, auth, async (ana, { payload }) => {
    const rejoined = new Promise((resolve) => ana.once('joined', resolve))
    ana.io.engine.close()
    expect(await rejoined).toEqual(payload)
    // It may have missed something meanwhile.
    expect(ana.recovered).toBe(false)
    await withJoin(chat, auth, (_page, other) => {
      expect((other.payload as Ack).clientId).not.toBe((payload as Ack).clientId)
      return Promise.resolve()
    })
  })
})
