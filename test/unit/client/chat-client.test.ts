import { describe, expect, test } from 'vitest'
import { createChatClient, type ChatAttempt, type ChatClient, type ChatClientOptions } from '../../../src/index.js'
import { cut, withScriptedChat, type Script, type ScriptedChat } from '../../support/scripted-chat.js'
import { until } from '../../support/until.js'

/** A guest at a server that answers by a script, after it has joined. */
const withClient = (
  script: Script,
  options: Partial<ChatClientOptions>,
  work: (client: ChatClient, chat: ScriptedChat) => Promise<void>,
): Promise<void> =>
  withScriptedChat(script, async (chat) => {
    const client = createChatClient({ url: chat.url, join: { role: 'client', username: 'ana' }, ...options })
    try {
      await work(client, chat)
    } finally {
      await client.close()
    }
  })

const JOINED = { ok: true, token: 'the token', clientId: 'guest-1' }
const refusal = (code: string, retryable: boolean): object => ({ ok: false, error: { code, message: 'no', retryable } })
const messagesIn = ({ asked }: ScriptedChat): readonly unknown[] =>
  asked.filter(({ event }) => event === 'clientMessage').map(({ payload }) => payload.message)

const fail = (): unknown => {
  throw new Error('of the application')
}
const reject = (): unknown => Promise.reject(new Error('of the application'))

describe('a chat client', () => {
  test('sends one message at a time, in order, and each with the same key until it is acknowledged', async () => {
    const lost = new Set(['b', 'c'])
    let [id, underWay, most] = [0, 0, 0]
    const script: Script = ({ event, payload }, socket) => {
      if (event === 'join') return JOINED
      underWay += 1
      most = Math.max(most, underWay)
      setImmediate(() => (underWay -= 1))
      if (lost.delete(String(payload.message))) return cut(socket)
      return { ok: true, id: (id += 1), duplicate: false, messageId: payload.messageId }
    }
    const attempts: ChatAttempt[] = []
    await withClient(script, { onAttempt: (attempt) => attempts.push(attempt) }, async (client, chat) => {
      const sent = ['a', 'b', 'c', 'd'].map((message) => client.send({ message, messageId: `key ${message}` }))
      expect(client.unacknowledged.map(({ messageId }) => messageId)).toEqual(['key a', 'key b', 'key c', 'key d'])
      const stored = { duplicate: false, queued: false }
      expect(await Promise.all(sent)).toEqual([
        { messageId: 'key a', id: 1, attempts: 1, ...stored },
        { messageId: 'key b', id: 2, attempts: 2, ...stored },
        { messageId: 'key c', id: 3, attempts: 2, ...stored },
        { messageId: 'key d', id: 4, attempts: 1, ...stored },
      ])
      expect(messagesIn(chat)).toEqual(['a', 'b', 'b', 'c', 'c', 'd'])
      expect(most).toBe(1)
      expect([client.unacknowledged, client.token, client.clientId]).toEqual([[], 'the token', 'guest-1'])
    })
    expect(attempts.slice(2, 6)).toEqual([
      { messageId: 'key b', attempt: 1, outcome: 'sent' },
      { messageId: 'key b', attempt: 1, outcome: 'no answer' },
      { messageId: 'key b', attempt: 2, outcome: 'sent' },
      { messageId: 'key b', attempt: 2, outcome: 'ok' },
    ])
  })

  test('repeats what the server wants later, and what it was silent about', async () => {
    const answers = [
      refusal('rate_limited', true),
      refusal('not_joined', true),
      undefined,
      { ok: true, id: 1, duplicate: true },
    ]
    const script: Script = ({ event }, _socket, times) => (event === 'join' ? JOINED : answers[times - 1])
    await withClient(script, { answerTimeoutMs: 500 }, async (client) => {
      expect(await client.send({ message: 'a' })).toMatchObject({ id: 1, attempts: 4 })
    })
  })

  test('takes a message in the journal for kept', async () => {
    const script: Script = ({ event }) => (event === 'join' ? JOINED : { ok: true, queued: true })
    await withClient(script, {}, async (client) => {
      expect(await client.send({ message: 'a' })).toMatchObject({ id: null, queued: true, attempts: 1 })
    })
  })

  test('rejects what is refused for good, and goes on', async () => {
    const script: Script = ({ event, payload }) => {
      if (event === 'join') return JOINED
      return payload.message === 'bad' ? refusal('invalid_message', false) : { ok: true, id: 7, duplicate: false }
    }
    await withClient(script, {}, async (client) => {
      const refused = client.send({ message: 'bad', messageId: 'm1' })
      const kept = client.send({ message: 'good' })
      await expect(refused).rejects.toMatchObject({
        name: 'MessageRefused',
        code: 'invalid_message',
        message: 'message m1 was refused: no',
        messageId: 'm1',
        mayBeStored: false,
      })
      expect(await kept).toMatchObject({ id: 7 })
    })
  })

  test.each([
    ['too_many_pending', false],
    ['message_not_stored', false],
    ['database_refused', true],
    ['server_closing', true],
    ['code_of_a_newer_server', true],
  ])('takes from the table whether a message may be stored after %s', async (code, mayBeStored) => {
    const script: Script = ({ event }) => (event === 'join' ? JOINED : refusal(code, false))
    await withClient(script, {}, async (client) => {
      await expect(client.send({ message: 'a' })).rejects.toMatchObject({ name: 'MessageRefused', code, mayBeStored })
    })
  })

  test('says that a message may be stored when its patience ends', async () => {
    await withClient(
      ({ event }) => (event === 'join' ? JOINED : undefined),
      { patienceMs: 1_500 },
      async (client) => {
        await expect(client.send({ message: 'a' })).rejects.toMatchObject({
          name: 'MessageUnanswered',
          code: 'chat_server_unreachable',
          mayBeStored: true,
          retryable: true,
        })
      },
    )
  })

  test('reconnects automatically with its own identity, also when the server ended the connection', async () => {
    const script: Script = ({ event }) => (event === 'join' ? JOINED : undefined)
    await withClient(script, {}, async (client, { server, asked }) => {
      const heard: unknown[] = []
      client.on('operatorMessage', (payload) => heard.push(payload))
      await client.join()
      server.disconnectSockets()
      const joins = () => asked.filter(({ event }) => event === 'join').map(({ payload }) => payload.token)
      await until(() => expect(joins()).toEqual([undefined, 'the token']), { what: 'the client joins again' })
      server.emit('operatorMessage', 'hello')
      await until(() => expect(heard).toEqual(['hello']), { what: 'the client hears the operator' })
    })
  })

  for (const [how, callback] of [
    ['throws', fail],
    ['rejects', reject],
  ] as const)
    test(`goes on when a callback of the application ${how}, which is reported once`, async () => {
      const script: Script = ({ event }) => (event === 'join' ? JOINED : { ok: true, id: 7, duplicate: false })
      const warnings: string[] = []
      const note = ({ message }: Error): void => void warnings.push(message)
      process.on('warning', note)
      try {
        await withClient(script, { onAttempt: callback }, async (client, { server }) => {
          const heard: unknown[] = []
          client.on('operatorMessage', callback)
          client.on('operatorMessage', (payload) => heard.push(payload))
          expect(await client.send({ message: 'a' })).toMatchObject({ id: 7, attempts: 1 })
          for (const payload of ['one', 'two']) server.emit('operatorMessage', payload)
          await until(() => expect(heard).toEqual(['one', 'two']), { what: 'the other listener hears both' })
        })
        await until(() => warnings.length === 2, { what: 'both callbacks are reported' })
        const left = 'of the application failed: chatkeep goes on, and does not report it again'
        expect(warnings).toEqual([`onAttempt ${left}`, `on("operatorMessage") ${left}`])
      } finally {
        process.off('warning', note)
      }
    })

  test('does not join again after a refusal', async () => {
    const script: Script = ({ event, payload }, socket) => {
      if (event === 'join' && payload.role === 'client') return JOINED
      setImmediate(() => socket.disconnect(true))
      return refusal('unauthorized', false)
    }
    const join = { role: 'operator', name: 'Lucía', token: 'wrong' } as const
    await withClient(script, { join }, async (client, { url, server, asked }) => {
      const joins = (role: string) => asked.filter(({ payload }) => payload.role === role).length
      await expect(client.send({ to: 'guest-1', message: 'a' })).rejects.toMatchObject({ code: 'unauthorized' })
      await until(() => server.engine.clientsCount === 0, { what: 'the server has no connection left' })
      const refused = joins('operator')
      // By the time another client is back after a cut, this one would be, too.
      const other = createChatClient({ url, join: { role: 'client', username: 'ana' } })
      await other.join()
      server.disconnectSockets()
      await until(() => joins('client') === 2, { what: 'the other client joins again' })
      await other.close()
      expect(joins('operator')).toBe(refused)
    })
  })

  test('names what is not acknowledged when it is closed', async () => {
    await withScriptedChat(
      ({ event }) => (event === 'join' ? JOINED : undefined),
      async ({ url, asked }) => {
        const client = createChatClient({ url, join: { role: 'client', username: 'ana' } })
        const sent = ['m1', 'm2'].map((messageId) => client.send({ message: 'a', messageId }))
        await until(() => asked.length === 2, { what: 'the server was asked twice' })
        const ended = Promise.allSettled(sent)
        await client.close()
        const error = {
          name: 'ChatClientClosed',
          message: 'the chat client is closed; not acknowledged: m1, m2',
          messageIds: ['m1', 'm2'],
        }
        expect(await ended).toMatchObject([
          { reason: { ...error, messageId: 'm1', mayBeStored: true } },
          { reason: { ...error, messageId: 'm2', mayBeStored: false } },
        ])
        await expect(client.send({ message: 'b' })).rejects.toMatchObject({ name: 'ChatClientClosed' })
      },
    )
  })

  test('asks, joins and connects nothing once it is closed', async () => {
    await withScriptedChat(
      ({ event }) => (event === 'join' ? JOINED : undefined),
      async ({ url, server, asked }) => {
        let connections = 0
        server.on('connection', () => (connections += 1))
        const closed = { name: 'OperatorError', code: 'chat_client_closed', message: 'the chat client is closed' }
        const expectClosed = async (calls: readonly Promise<unknown>[]) => {
          for (const call of await Promise.allSettled(calls))
            expect(call).toMatchObject({ status: 'rejected', reason: closed })
        }
        const join = { role: 'client', username: 'ana' } as const
        const client = createChatClient({ url, join })
        const waiting = client.ask('history')
        await until(() => asked.some(({ event }) => event === 'history'), { what: 'the server was asked' })
        await Promise.all([client.close(), expectClosed([waiting])])
        await expectClosed([client.ask('history'), client.join()])

        const early = createChatClient({ url, join })
        await Promise.all([expectClosed([early.ask('history'), early.join()]), early.close()])
        const alone = createChatClient({ url: 'http://127.0.0.1:1/chat', join })
        await Promise.all([expectClosed([alone.ask('history'), alone.join()]), alone.close()])
        await expectClosed([early.ask('history'), early.join(), alone.ask('history')])

        // By the time another client has joined, one of those would have, too.
        const other = createChatClient({ url, join })
        await other.join()
        await until(() => server.engine.clientsCount === 1, { what: 'only the other client is connected' })
        expect(connections).toBe(2)
        await other.close()
      },
    )
  })
})
