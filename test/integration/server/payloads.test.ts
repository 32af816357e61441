import { expect, test as databaseTest } from '../../support/database.js'
import {
  expectOk,
  rowIdOf,
  imageOf,
  test,
  withChat,
  withoutMessages,
  type Ack,
  type Peer,
  type TestChat,
} from '../../support/socket-chat.js'

const EVENTS = [
  ...['join', 'clientMessage', 'clientTyping', 'chatEnded', 'history', 'operatorMessage', 'operatorTyping'],
  ...[
    'getConnectedOperators',
    'endChat',
    'recentChats',
    'markRead',
    'noSuchEvent',
    '__proto__',
    'constructor',
    'error',
    'message',
  ],
]

const nested = (depth: number): unknown => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth)) as unknown

/** What a client can put on the wire in place of a payload. */
const GARBAGE: readonly unknown[] = [
  ...[null, undefined, true, 0, -1, 1e308, '', 'text', '{}', [], [[]], [null], {}],
  ...[Buffer.from('bytes'), { message: Buffer.from('bytes'), type: 'text' }, nested(2_000)],
  { role: 'admin' },
  { role: ['client'], username: 'x' },
  { role: 'client', username: { toString: 'x' } },
  { type: 'text' },
  { type: 'text', message: '' },
  { type: 'text', message: 7 },
  { type: 'video', message: 'x' },
  { type: 'image' },
  { type: 'image', message: 'x', image: null },
  { type: 'text', message: 'x', messageId: '' },
  { type: 'text', message: 'x', messageId: 7 },
  { type: 'text', message: 'x', messageId: 'x'.repeat(256) },
  { type: 'text', message: 'x', messageId: 'a\0b' },
  { type: 'text', message: 'x', to: '' },
  { type: 'text', message: 'x', to: 'a\0b' },
  { isTyping: 'yes' },
  { isTyping: true, to: {} },
  { limit: 0 },
  { limit: 201 },
  { limit: 1.5 },
  { limit: '10' },
  { before: 'yesterday' },
  { clientId: -1 },
  { clientId: 2 ** 53 },
  { clientId: 1, username: 'x' },
  { username: '' },
  { clientId: 1, upToMessageId: -1 },
  JSON.parse('{"__proto__":{"role":"operator"},"constructor":{"prototype":1}}'),
]

const askEverything = async (peer: Peer): Promise<readonly Ack[]> => {
  const acks: Ack[] = []
  for (const event of EVENTS) {
    for (const payload of GARBAGE) acks.push(await peer.ask(event, payload))
    acks.push(await peer.ask(event))
    acks.push(await peer.ask(event, {}, 'and', ['more']))
    // Without acknowledgement.
    peer.socket.emit(event)
    peer.socket.emit(event, 1, 2, 3)
  }
  return acks
}

const expectAnswers = (acks: readonly Ack[]): void => {
  for (const ack of acks) {
    if (ack.ok) continue
    const retryable = ack.error?.code === 'not_joined'
    const error = { code: expect.any(String) as string, message: expect.any(String) as string, retryable }
    expect(ack).toEqual({ ok: false, error })
    expect(ack.error?.code).not.toBe('internal')
  }
}

const eventsIn = ({ log }: Pick<TestChat, 'log'>): readonly string[] =>
  [...new Set(log.map((line) => (JSON.parse(line) as { event: string }).event))].sort()

test('garbage from a guest is answered every time, and the guest and the server go on', async ({ chat }) => {
  const ana = await chat.guest('ana')
  expectAnswers(await askEverything(ana))
  expect(ana.socket.connected).toBe(true)
  expectOk(await ana.ask('clientMessage', { type: 'text', message: 'still here' }))
  expect(eventsIn(chat)).toEqual(['event_refused'])
})

test('garbage from an operator is answered every time, and the operator and the server go on', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  expectAnswers(await askEverything(lucia))
  expect(lucia.socket.connected).toBe(true)
  expectOk(await lucia.ask('recentChats'))
  expect(eventsIn(chat)).toEqual(['event_refused'])
})

databaseTest('garbage from a socket that has not joined is answered, and stores nothing', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxHeldPerSocket: 0 }, async (chat) => {
    const stranger = await chat.connect()
    expectAnswers(await askEverything(stranger))
    expect(stranger.socket.connected).toBe(true)
    expect(await database.query('SELECT FROM "ChatMessage"')).toEqual([])
    expect(eventsIn(chat)).toEqual(['event_refused', 'not_joined'])
  })
})

test('an unknown event is answered, and a payload may be left out', async ({ chat }) => {
  const ana = await chat.guest('ana')
  expect(await ana.ask('noSuchEvent', {})).toMatchObject({ ok: false, error: { code: 'unknown_event' } })
  expectOk(await ana.ask('history'))
  expectOk(await ana.ask('chatEnded'))
})

test('what a refusal says names the field and does not repeat what was sent', async ({ chat }) => {
  const ana = await chat.guest('ana')
  const { error } = await ana.ask('clientMessage', { type: 'SECRETTYPE', message: 7, messageId: 'SECRETID\0' })
  expect(error?.code).toBe('invalid_payload')
  expect(error?.message).toMatch(/clientMessage.*type.*message.*messageId/)
  expect(error?.message).not.toContain('SECRET')
})

test('a message above 1 MiB is refused by name on a connection that stays', async ({ chat }) => {
  const ana = await chat.guest('ana')
  const limit = 1_048_576
  for (const size of [limit + 1, 7 * limit]) {
    for (const message of [
      { type: 'text', message: 'x'.repeat(size) },
      { type: 'image', image: imageOf(size) },
    ]) {
      const { error } = await ana.ask('clientMessage', message)
      expect(error).toMatchObject({ code: 'invalid_message', retryable: false })
      expect(error?.message).toMatch(/(message|image) is larger than 1048576 bytes/)
    }
  }
  const id = rowIdOf(expectOk(await ana.ask('clientMessage', { type: 'image', image: imageOf(limit) })))
  const rows = await chat.database.query('SELECT octet_length("imageUrl") FROM "ChatMessage" WHERE "id" = $1', [id])
  expect(rows).toEqual([{ octet_length: limit }])
})

test('what PostgreSQL cannot store reaches operators as it is stored', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const ana = await chat.guest('a\0na')
  expectOk(await ana.ask('clientMessage', { type: 'text', message: 'NUL \0, half \ud83d a pair' }))
  const { message } = await lucia.next('incomingMessage')
  expect(message).toBe('NUL \ufffd, half \ufffd a pair')
  expect(await chat.database.query('SELECT "text", "guestUsername" FROM "ChatMessage"')).toEqual([
    { text: message, guestUsername: 'a\ufffdna' },
  ])
})

test('binary in the place of an image is refused', async ({ chat }) => {
  const ana = await chat.guest('ana')
  const refused = await ana.ask('clientMessage', { type: 'image', image: Buffer.alloc(100_000), name: 'x.png' })
  expect(refused).toMatchObject({ ok: false, error: { code: 'invalid_payload' } })
})

const PNG = imageOf(100)

test('an image that a page could run is refused, from guests and operators, in every field', async ({ chat }) => {
  const ana = await chat.guest('ana')
  const lucia = await chat.operator('Lucía', 1)
  const ask = async (fields: object) => [
    await ana.ask('clientMessage', { type: 'image', ...fields }),
    await lucia.ask('operatorMessage', { to: ana.clientId, type: 'image', ...fields }),
  ]
  for (const fields of [
    { image: 'data:image/svg+xml;base64,AAAA' },
    { image: 'data:text/html;base64,AAAA' },
    { image: 'data:image/png,<b>' },
    { image: 'data:image/png;base64,"onerror=' },
    { image: 'javascript:void 0' },
    { image: 'https://images.example/a.png' },
    { image: 'blob:x' },
    { type: 'text', message: 'x', image: 'javascript:void 0' },
    { image: PNG, name: 'a.svg' },
    ...[
      'gnp.html',
      'x.html.',
      'x.application',
      'x.appref-ms',
      'x.7z',
      'x.html_',
      'x.html ',
      'x.html\u200b',
      'x.html\u00ad',
    ].map((name) => ({ image: PNG, name })),
    ...['\u061cgnp.png', 'a\u2028b.png', '"><img src=x>.png'].map((name) => ({ image: PNG, name })),
    { image: 'data:image/png;base64,' },
    { image: PNG, mimeType: 'image/gif' },
    { image: PNG, name: '../a.png' },
    { image: PNG, name: 'a\u202egnp.exe' },
    { image: PNG, mimeType: 'text/html' },
    { image: PNG, mimeType: 'image/svg+xml' },
  ]) {
    for (const { error } of await ask(fields)) {
      expect(error, JSON.stringify(fields)).toMatchObject({ code: 'invalid_payload', retryable: false })
    }
  }
  expect(await chat.database.query('SELECT FROM "ChatMessage"')).toEqual([])
  for (const fields of [
    { image: PNG },
    { image: PNG.replace('png', 'webp'), name: 'Screenshot 2026.05.06', mimeType: 'image/webp' },
    { image: PNG, name: 'photo 🖼.JPG', mimeType: '' },
  ]) {
    ;(await ask(fields)).forEach(expectOk)
  }
})

databaseTest('links to images are accepted by an option', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { allowImageUrls: true }, async (chat) => {
    const ana = await chat.guest('ana')
    expectOk(await ana.ask('clientMessage', { type: 'image', image: 'https://images.example/a.png' }))
    for (const image of ['http://images.example/a.png', 'https://', 'javascript:void 0']) {
      expect(await ana.ask('clientMessage', { type: 'image', image })).toMatchObject({ ok: false })
    }
  })
})
