import { describe, expect, test } from 'vitest'
import { parseChatUrl } from '../../../src/client/chat-address.js'
import { createChatPeer, type ChatPeer, type PeerOptions } from '../../../src/client/chat-peer.js'
import { cut, withScriptedChat, type Asked, type Script } from '../../support/scripted-chat.js'
import { until } from '../../support/until.js'

/** A peer at a server that answers by a script; `asked` is all that the server heard. */
const withScript = (
  script: Script,
  options: Partial<PeerOptions>,
  work: (peer: ChatPeer, asked: readonly Asked[]) => Promise<void>,
): Promise<void> =>
  withScriptedChat(script, async ({ url, asked }) => {
    const peer = createChatPeer({
      address: parseChatUrl(url),
      join: { role: 'client', username: 'ana' },
      signal: new AbortController().signal,
      ...options,
    })
    try {
      await work(peer, asked)
    } finally {
      peer.close()
    }
  })

const JOINED = { ok: true, token: 'the token', clientId: 'guest-1' }
const message = { type: 'text', message: 'Hello', messageId: 'm1' }

describe('a participant at a chat server', () => {
  test('joins once, then asks', async () => {
    const script: Script = ({ event }) => (event === 'join' ? JOINED : { ok: true, duplicate: true })
    await withScript(script, {}, async (peer, asked) => {
      expect(await peer.join()).toEqual(JOINED)
      expect(await peer.ask('clientMessage', message)).toEqual({ ok: true, duplicate: true })
      expect(await peer.ask('clientMessage', message)).toEqual({ ok: true, duplicate: true })
      expect(asked.map(({ event }) => event)).toEqual(['join', 'clientMessage', 'clientMessage'])
    })
  })

  test('comes back as itself after a cut, sends the same again, and counts it as saved', async () => {
    const script: Script = ({ event }, socket, times) => {
      if (event === 'join') return JOINED
      return times === 1 ? cut(socket) : { ok: true, duplicate: true }
    }
    await withScript(script, {}, async (peer, asked) => {
      expect(await peer.ask('clientMessage', message)).toEqual({ ok: true, duplicate: false })
      const join = { role: 'client', username: 'ana' }
      expect(asked).toEqual([
        { event: 'join', payload: join },
        { event: 'clientMessage', payload: message },
        { event: 'join', payload: { ...join, token: 'the token' } },
        { event: 'clientMessage', payload: message },
      ])
    })
  })

  test.for<[string, unknown]>([
    ['has only queued it', { ok: true, queued: true }],
    ['wants it later', { ok: false, error: { code: 'rate_limited', message: 'slow down', retryable: true } }],
  ])('asks again when the server %s', async ([, first]) => {
    const script: Script = ({ event }, _socket, times) =>
      event === 'join' ? JOINED : times === 1 ? first : { ok: true, duplicate: false }
    await withScript(script, {}, async (peer) => {
      expect(await peer.ask('clientMessage', message)).toEqual({ ok: true, duplicate: false })
    })
  })

  test('asks again for many messages at once without a warning of a leak', async () => {
    const warnings: unknown[] = []
    const note = (warning: unknown): void => void warnings.push(warning)
    process.on('warning', note)
    const later = { ok: false, error: { code: 'rate_limited', message: 'slow down', retryable: true } }
    const script: Script = ({ event }, _socket, times) =>
      event === 'join' ? JOINED : times <= 20 ? later : { ok: true, duplicate: false }
    await withScript(script, {}, async (peer) => {
      const asking = Array.from({ length: 20 }, (_, n) => peer.ask('clientMessage', { ...message, messageId: `m${n}` }))
      for (const answer of await Promise.all(asking)) expect(answer).toEqual({ ok: true, duplicate: false })
    })
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  test.for(['join', 'clientMessage'])('takes a refusal of %s for an answer', async (refused) => {
    const refusal = { ok: false, error: { code: 'invalid_payload', message: 'no', retryable: false } }
    await withScript(
      ({ event }) => (event === refused ? refusal : JOINED),
      {},
      async (peer, asked) => {
        expect(await peer.ask('clientMessage', message)).toEqual(refusal)
        expect(asked.at(-1)?.event).toBe(refused)
      },
    )
  })

  test('gives up after a while, with the reason of the server', async () => {
    const away = { ok: false, error: { code: 'database_unavailable', message: 'it is away', retryable: true } }
    await withScript(
      ({ event }) => (event === 'join' ? JOINED : away),
      { patienceMs: 200 },
      async (peer) => {
        await until(() => peer.connect(), { what: 'the peer connects' })
        await expect(peer.ask('clientMessage', message)).rejects.toMatchObject({
          code: 'database_unavailable',
          message: 'the chat server stores no messages: it is away',
          exitCode: 3,
        })
      },
    )
  })

  test('does not take a message that stays queued for kept', async () => {
    await withScript(
      ({ event }) => (event === 'join' ? JOINED : { ok: true, queued: true }),
      { patienceMs: 200 },
      async (peer) => {
        await until(() => peer.connect(), { what: 'the peer connects' })
        await expect(peer.ask('clientMessage', message)).rejects.toMatchObject({ code: 'queued', exitCode: 3 })
      },
    )
  })

  test('gives up on a server that does not answer', async () => {
    await withScript(
      () => undefined,
      { patienceMs: 200 },
      async (peer) => {
        await expect(peer.join()).rejects.toMatchObject({ code: 'chat_server_unreachable', exitCode: 3 })
      },
    )
  })

  test('has as much more patience with a large message as a slow line needs for it', async () => {
    const slow: Script = ({ event, payload }) =>
      event === 'join' ? JOINED : new Promise((resolve) => setTimeout(resolve, 700, { ok: true, of: payload }))
    await withScript(slow, { patienceMs: 400 }, async (peer) => {
      await until(() => peer.join(), { what: 'the peer joins' })
      const image = { messageId: 'm1', image: 'x'.repeat(100_000) }
      expect(await peer.ask('clientMessage', image)).toEqual({ ok: true, of: image })
      await expect(peer.ask('clientMessage', message)).rejects.toMatchObject({ code: 'chat_server_unreachable' })
    })
  })

  test('finds out that the server speaks another protocol', async () => {
    await withScript(
      () => 'welcome',
      {},
      async (peer) => {
        await expect(peer.join()).rejects.toMatchObject({ code: 'not_a_chat_server', exitCode: 3 })
      },
    )
  })

  test('repeats nothing after the signal', async () => {
    const interruption = new AbortController()
    const reason = new Error('enough')
    const script: Script = ({ event }, socket) => {
      if (event === 'join') return JOINED
      interruption.abort(reason)
      return cut(socket)
    }
    await withScript(script, { signal: interruption.signal }, async (peer, asked) => {
      await expect(peer.ask('clientMessage', message)).rejects.toBe(reason)
      expect(asked.filter(({ event }) => event === 'clientMessage')).toHaveLength(1)
    })
  })

  test('is still heard after the signal when the server is there', async () => {
    const interruption = new AbortController()
    interruption.abort(new Error('enough'))
    const script: Script = ({ event }) => (event === 'join' ? JOINED : { ok: true, duplicate: false })
    await withScript(script, { signal: interruption.signal }, async (peer) => {
      expect(await peer.ask('clientMessage', message)).toEqual({ ok: true, duplicate: false })
    })
  })
})
