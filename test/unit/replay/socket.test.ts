import { describe, expect, test } from 'vitest'
import { parseChatUrl } from '../../../src/client/chat-address.js'
import type { ChatPeer } from '../../../src/client/chat-peer.js'
import { judgeCase, type Observation } from '../../../src/replay/guest-flow/judge.js'
import { createPeerPool } from '../../../src/replay/sending/peer-pool.js'

describe('the URL of a chat server', () => {
  test.for([
    ['http://127.0.0.1:3001/chat', 'http://127.0.0.1:3001', '/chat'],
    ['http://127.0.0.1:3001/chat/', 'http://127.0.0.1:3001', '/chat'],
    ['http://127.0.0.1:3001', 'http://127.0.0.1:3001', '/chat'],
    ['https://chat.example/support/chat', 'https://chat.example', '/support/chat'],
    ['http://[::1]:3001/chat', 'http://[::1]:3001', '/chat'],
  ] as const)('%s is %s and the path %s', ([url, origin, path]) => {
    expect(parseChatUrl(url)).toEqual({ url, origin, path })
  })

  test.for(['', 'chat', '127.0.0.1:3001/chat', 'postgres://db/chat', 'http://h/chat?token=1', 'http://h/chat#a'])(
    'cannot be %j',
    (url) => {
      expect(() => parseChatUrl(url)).toThrow('is not a URL of a chat server')
    },
  )
})

describe('a pool of peers', () => {
  const closed: string[] = []
  const peer = (name: string) => (): ChatPeer => ({
    connect: () => Promise.resolve(),
    join: () => Promise.resolve({ ok: true }),
    ask: () => Promise.resolve({ ok: true }),
    close: () => void closed.push(name),
  })

  test('closes the one that was used longest ago, never one in use', async () => {
    closed.length = 0
    const pool = createPeerPool(2)
    const use = (name: string, work: () => Promise<void> = () => Promise.resolve()): Promise<void> =>
      pool.use(name, peer(name), work)
    await use('a')
    await use('b')
    await use('a')
    await use('c')
    expect(closed).toEqual(['b'])
    await use('a', async () => {
      await use('d', async () => {
        await use('e')
      })
    })
    expect(closed).toEqual(['b', 'c'])
    await use('f')
    expect(closed).toEqual(['b', 'c', 'a', 'd'])
    pool.close()
    expect(closed.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })
})

describe('a case of the guest flow', () => {
  const message = (id: number, text: string, clientId: number | null = 7) => ({
    id,
    clientId,
    guestUsername: 'g',
    text,
  })
  const good: Observation = {
    username: 'g',
    texts: ['one', 'two'],
    rows: { clientIds: [7], messages: [message(1, 'one'), message(2, 'two')] },
  }

  test('passes when both messages are linked to the one client of that name', () => {
    expect(judgeCase('a name', 'what was expected', good)).toEqual({
      name: 'a name',
      expected: 'what was expected',
      found: 'messages 1, 2 with clientId 7 and guestUsername g',
      ok: true,
    })
  })

  test.for<[string, Partial<Observation>, string]>([
    [
      'a lost message',
      { rows: { clientIds: [7], messages: [message(1, 'one')] } },
      'the message "two" was acknowledged and was found 0 times',
    ],
    [
      'a doubled message',
      { rows: { clientIds: [7], messages: [message(1, 'one'), message(2, 'two'), message(3, 'two')] } },
      'was found 2 times',
    ],
    [
      'a foreign message',
      { rows: { clientIds: [7], messages: [...good.rows.messages, message(3, 'x')] } },
      '3 messages instead of 2',
    ],
    ['no client', { rows: { clientIds: [], messages: good.rows.messages } }, '0 clients have the name g'],
    ['a second client', { rows: { clientIds: [7, 8], messages: good.rows.messages } }, '2 clients have the name g'],
    [
      'a message without client',
      { rows: { clientIds: [7], messages: [message(1, 'one'), message(2, 'two', null)] } },
      'message 2 has no clientId',
    ],
    [
      'a message of another client',
      { rows: { clientIds: [7], messages: [message(1, 'one'), message(2, 'two', 9)] } },
      'message 2 belongs to client 9',
    ],
    ['another client than before', { existingClientId: 6 }, 'the client was 6 and is 7'],
    ['no client before', { existingClientId: null }, 'the client was missing and is 7'],
    ['a history without the first message', { history: ['two'] }, 'the history over the socket shows 1'],
  ])('fails on %s', ([, part, found]) => {
    const result = judgeCase('a name', 'what was expected', { ...good, ...part })
    expect(result.ok).toBe(false)
    expect(result.found).toContain(found)
  })
})
