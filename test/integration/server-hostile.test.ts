import { expect } from '../support/database.js'
import { expectOk, SECRET, test, type Ack, type Peer, type TestChat } from '../support/socket-chat.js'

const EVENTS = [
  ...['join', 'clientMessage', 'clientTyping', 'chatEnded', 'history', 'operatorMessage', 'operatorTyping'],
  ...['getConnectedOperators', 'recentChats', 'markRead', 'noSuchEvent', '__proto__', 'toString'],
]
const FIELDS = ['role', 'username', 'name', 'token', 'type', 'message', 'image', 'messageId', 'to', 'clientId', 'limit']

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
const seeded = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const createGarbage = (random: () => number) => {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  const atom = (): unknown =>
    pick<() => unknown>([
      () => pick([null, true, 0, -1, 1e308, '', ' ', 'client', 'admin', 'text', '\0', 'half \ud83d', '../../etc']),
      () => random() * 2 ** 33,
      () => 'x'.repeat(random() * 2_000),
      () => Buffer.alloc(random() * 200),
      () => nested(1 + random() * 500),
      () => Array.from({ length: random() * 2_000 }, () => 7),
      () => JSON.parse('{"__proto__":{"role":"operator"},"constructor":{"prototype":{"ok":true}}}') as unknown,
    ])()
  const payload = (): unknown =>
    random() < 0.3 ? atom() : Object.fromEntries(Array.from({ length: random() * 5 }, () => [pick(FIELDS), atom()]))
  return { pick, payload }
}

const ATTACKS = 10_000
const AT_ONCE = 200

/** Sends what no client would, and counts what each event was answered with. */
const attack = async (peers: readonly Peer[], seed: number): Promise<Map<string, number>> => {
  const random = seeded(seed)
  const { pick, payload } = createGarbage(random)
  const codes = new Map<string, number>()
  for (let sent = 0; sent < ATTACKS; sent += AT_ONCE) {
    const acks = Array.from({ length: AT_ONCE }, () => {
      const event = pick(EVENTS)
      const args = Array.from({ length: random() < 0.1 ? 8 : 1 }, payload)
      // Some want no answer, and may not get in anybody's way either.
      if (random() < 0.05) pick(peers).socket.emit(event, ...args)
      return pick(peers).ask(event, ...args)
    })
    for (const { ok, error } of await Promise.all(acks)) {
      const code = ok ? 'ok' : (error?.code ?? 'no code')
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  return codes
}

test('ten thousand malformed payloads are each answered by name, and nothing of them stays', async ({ chat }) => {
  const seed = 20_260_401
  const peers = [await chat.connect(), await chat.guest('ana'), await chat.operator('Lucía', 1)]
  const codes = await attack(peers, seed)
  const known = [
    'forbidden',
    'invalid_contact',
    'invalid_limit',
    'unknown_conversation',
    'invalid_payload',
    'invalid_token',
    'not_joined',
    'ok',
    'unknown_event',
  ]
  expect(
    [...codes.keys()].filter((code) => !known.includes(code)),
    `seed ${seed}`,
  ).toEqual([])
  expect([...codes.values()].reduce((sum, count) => sum + count, 0)).toBe(ATTACKS)
  expect(codes.get('invalid_payload')).toBeGreaterThan(ATTACKS / 4)
  expect(chat.log.filter((line) => !line.includes('operator_refused'))).toEqual([])
  expect(Object.prototype).not.toHaveProperty('role')
  const bruno = await chat.guest('bruno')
  expectOk(await bruno.ask('clientMessage', { type: 'text', message: 'as if nothing had been' }))
  expect(await chat.database.query('SELECT "guestUsername" FROM "ChatMessage"')).toEqual([{ guestUsername: 'bruno' }])
})

/** In words that do not change from run to run. */
const told = ({ ok, error, messages }: Partial<Ack>): string => {
  if (!ok) return `${error?.code}${error?.retryable === true ? ', retryable' : ''}: ${error?.message}`
  return messages === undefined ? 'ok' : `ok, ${messages.length} messages`
}

test('what somebody gets who pretends to be somebody else', async ({ chat }) => {
  expect(await impersonate(chat)).toMatchInlineSnapshot(`
    {
      "a conversation's public name for a token": "invalid_token: the token is not one that a join has given out; forget it and join without",
      "a guessed token": "ok",
      "a guessed token, history": "ok, 0 messages",
      "a guest answering as operator": "forbidden: this is not for the role client",
      "a guest asking for an operator's list": "forbidden: this is not for the role client",
      "a malformed token": "invalid_token: the token is not one that a join has given out; forget it and join without",
      "a registered client's name, history": "ok, 0 messages",
      "a registered client's name, writing": "ok",
      "an operator with a secret of another type": "unauthorized: the operator secret is missing or wrong; io server disconnect",
      "an operator with a wrong secret": "unauthorized: the operator secret is missing or wrong; io server disconnect",
      "an operator without secret": "unauthorized: the operator secret is missing or wrong; io server disconnect",
      "another guest's name, history": "ok, 0 messages",
      "another guest's name, writing": "ok",
    }
  `)
  expect(
    await chat.database.query(
      `SELECT "text", "guestUsername", "guestUnverified", "clientId" IS NOT NULL AS "linked" FROM "ChatMessage" ORDER BY "id"`,
    ),
  ).toMatchInlineSnapshot(`
    [
      {
        "guestUnverified": false,
        "guestUsername": null,
        "linked": true,
        "text": "private",
      },
      {
        "guestUnverified": false,
        "guestUsername": "ana",
        "linked": true,
        "text": "private, too",
      },
      {
        "guestUnverified": true,
        "guestUsername": "client7",
        "linked": true,
        "text": "It is me",
      },
      {
        "guestUnverified": false,
        "guestUsername": "ana",
        "linked": true,
        "text": "It is me",
      },
    ]
  `)
})

const impersonate = async (chat: TestChat): Promise<Readonly<Record<string, string>>> => {
  await chat.database.query(
    `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text")
     SELECT "id", 'CLIENT', 'TEXT', 'private' FROM "Client" WHERE "username" = 'client7'`,
  )
  const ana = await chat.guest('ana')
  expectOk(await ana.ask('clientMessage', { type: 'text', message: 'private, too' }))
  const asClient = await chat.guest('client7')
  const asAna = await chat.guest('ana')
  const stranger = await chat.connect()
  const join = async (fields: object): Promise<string> =>
    told(await stranger.ask('join', { role: 'client', ...fields }))
  const asOperator = async (fields: object): Promise<string> => {
    const peer = await chat.connect()
    const ack = await peer.ask('join', { role: 'operator', name: 'Mallory', operatorId: 1, ...fields })
    return `${told(ack)}; ${await peer.disconnected()}`
  }
  const write = async (peer: Peer): Promise<string> =>
    told(await peer.ask('clientMessage', { type: 'text', message: 'It is me' }))
  const read = async (peer: Peer, fields: object): Promise<string> => told(await peer.ask('history', fields))
  return {
    "a registered client's name, history": await read(asClient, { username: 'client7' }),
    "a registered client's name, writing": await write(asClient),
    "another guest's name, history": await read(asAna, { username: 'ana', clientId: ana.clientId }),
    "another guest's name, writing": await write(asAna),
    'a malformed token': await join({ username: 'ana', token: 'x' }),
    "a conversation's public name for a token": await join({ username: 'ana', token: ana.clientId }),
    'a guessed token': await join({ username: 'ana', token: 'A'.repeat(22) }),
    'a guessed token, history': await read(stranger, {}),
    'an operator without secret': await asOperator({}),
    'an operator with a wrong secret': await asOperator({ token: `${SECRET} ` }),
    'an operator with a secret of another type': await asOperator({ token: [SECRET] }),
    "a guest asking for an operator's list": told(await asAna.ask('recentChats', {})),
    'a guest answering as operator': told(
      await asAna.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'x' }),
    ),
  }
}
