import { expect, test as databaseTest } from '../../support/database.js'
import {
  expectOk,
  SECRET,
  test,
  withChat,
  withoutMessages,
  type Ack,
  type Peer,
  type TestChat,
} from '../../support/socket-chat.js'

const EVENTS = [
  ...['join', 'clientMessage', 'clientTyping', 'chatEnded', 'history', 'operatorMessage', 'operatorTyping'],
  ...['getConnectedOperators', 'endChat', 'recentChats', 'markRead', 'noSuchEvent', '__proto__', 'toString'],
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
      () => pick([null, true, 0, -1, 1e308, '', ' ', 'client', 'operator', 'text', '\0', 'half \ud83d', '../../etc']),
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
const LANES = 12
const AT_ONCE = 100
/** Socket.IO's own bound. */
const MOST_BINARY_PARTS = 10

interface Attack {
  readonly event: string
  readonly args: readonly unknown[]
}

const createAttacks = (seed: number): readonly Attack[] => {
  const random = seeded(seed)
  const { pick, payload } = createGarbage(random)
  return Array.from({ length: ATTACKS }, () => ({
    event: pick(EVENTS),
    args: Array.from({ length: random() < 0.1 ? 1 + random() * 40 : 1 }, payload),
  }))
}

const binaryParts = (value: unknown): number => {
  if (Buffer.isBuffer(value)) return 1
  return typeof value === 'object' && value !== null
    ? Object.values(value).reduce<number>((sum, part) => sum + binaryParts(part), 0)
    : 0
}

/** What ends its connection: no packet that Socket.IO takes, and an operator without the secret. */
const endsConnection = ({ event, args }: Attack): boolean =>
  binaryParts(args) > MOST_BINARY_PARTS ||
  (event === 'join' && (args[0] as { role?: unknown } | null)?.role === 'operator')

const codeOf = ({ ok, error }: Ack): string => (ok ? 'ok' : (error?.code ?? 'no code'))

/** Sends what no client would over many sockets at once. @returns the code that each was answered with */
const attack = async (peers: readonly Peer[], attacks: readonly Attack[]): Promise<readonly string[]> => {
  const lanes = peers.map(async ({ ask, socket }, lane) => {
    const codes: string[] = []
    const mine = attacks.filter((_, number) => number % peers.length === lane)
    for (let sent = 0; sent < mine.length; sent += AT_ONCE) {
      const acks = mine.slice(sent, sent + AT_ONCE).map(({ event, args }, number) => {
        // Some want no answer, and may not get in anybody's way either.
        if (number % 20 === 0) socket.emit(event, ...args)
        return ask(event, ...args)
      })
      codes.push(...(await Promise.all(acks)).map(codeOf))
    }
    return codes
  })
  return (await Promise.all(lanes)).flat()
}

/** @returns the answer of one that ends its connection, or by which event it was told why */
const attackAndEnd = async (chat: TestChat, { event, args }: Attack): Promise<string> => {
  const peer = await chat.connect()
  const answer = new Promise<string>((resolve) => {
    peer.socket.emit(event, ...args, (ack: Ack) => resolve(codeOf(ack)))
    peer.socket.once('refused', ({ code }: { code: string }) => resolve(`refused by ${code}`))
  })
  const code = await Promise.race([answer, peer.disconnected()])
  peer.socket.disconnect()
  return code
}

const countEach = (codes: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...new Set(codes)].sort().map((code) => [code, codes.filter((one) => one === code).length]))

databaseTest('ten thousand payloads of nonsense are each answered by name, and harm nobody', async ({ database }) => {
  await withoutMessages(database)
  // Nothing waits for a join.
  await withChat(database, { maxHeldPerSocket: 0 }, answersEach)
})

const answersEach = async (chat: TestChat): Promise<void> => {
  const attacks = createAttacks(20_260_401)
  const ending = attacks.filter(endsConnection)
  const others = attacks.filter((one) => !endsConnection(one))
  const joined = (number: number) => [
    chat.connect(),
    chat.guest(`ana ${number}`),
    chat.operator(`Lucía ${number}`, 1 + (number % 2)),
  ]
  const peers = await Promise.all(Array.from({ length: LANES / 3 }, (_, number) => joined(number)).flat())
  expect(countEach(await attack(peers, others))).toMatchInlineSnapshot(`
    {
      "forbidden": 707,
      "invalid_contact": 217,
      "invalid_limit": 7,
      "invalid_payload": 5191,
      "not_joined": 911,
      "ok": 801,
      "unknown_conversation": 21,
      "unknown_event": 2084,
    }
  `)
  expect(peers.map(({ socket }) => socket.connected)).toEqual(peers.map(() => true))
  expect(countEach(await Promise.all(ending.map((one) => attackAndEnd(chat, one))))).toMatchInlineSnapshot(`
    {
      "refused by invalid_packet": 61,
    }
  `)
  const expected = ['operator_refused', 'invalid_packet', 'not_joined', 'event_refused']
  expect(chat.log.filter((line) => !expected.includes((JSON.parse(line) as { event: string }).event))).toEqual([])
  expect(Object.prototype).not.toHaveProperty('role')
  const bruno = await chat.guest('bruno')
  expectOk(await bruno.ask('clientMessage', { type: 'text', message: 'as if nothing had been' }))
  // A text alone is a message, whatever it says.
  const odd = `SELECT "guestUsername" FROM "ChatMessage" WHERE "guestUsername" NOT LIKE 'ana%' OR "text" IS NULL`
  expect(await chat.database.query(odd)).toEqual([{ guestUsername: 'bruno' }])
}

/** In words that do not change from run to run. */
const told = ({ ok, error, messages }: Partial<Ack>): string => {
  if (!ok) return `${error?.code}${error?.retryable === true ? ', retryable' : ''}: ${error?.message}`
  return messages === undefined ? 'ok' : `ok, ${messages.length} messages`
}

test('a guest that claims another identity keeps its own', async ({ chat }) => {
  expect(await impersonate(chat)).toMatchInlineSnapshot(`
    {
      "a conversation's public name for a token": "invalid_token: the token is invalid; discard it and join without one",
      "a guessed token": "ok",
      "a guessed token, history": "ok, 0 messages",
      "a guest answering as operator": "forbidden: this event is not available to the role client",
      "a guest asking for an operator's list": "forbidden: this event is not available to the role client",
      "a malformed token": "invalid_token: the token is invalid; discard it and join without one",
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
