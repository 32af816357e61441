import { createServer } from 'node:http'
import { afterAll, describe, expect, test } from 'vitest'
import * as library from '../../src/index.js'

const store = library.createChatStore({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none' }, { deadlineMs: 0 })
const client = library.createChatClient({ url: 'http://127.0.0.1:1/chat', join: { role: 'client', username: 'maria' } })

afterAll(async () => {
  await store.close()
  await client.close()
})

const BAD = {
  undefined,
  null: null,
  'a number': 7,
  'a string': 'a',
  'an array': [],
  'an object without prototype': Object.create(null) as unknown,
  'a symbol': Symbol('a'),
  'a bigint': 1n,
} as const satisfies Readonly<Record<string, unknown>>

type Kind = keyof typeof BAD

interface Call {
  readonly call: (value: unknown) => unknown
  /** What is no mistake there. */
  readonly right?: readonly Kind[]
  /** How the error may call the value. */
  readonly names: RegExp
}

const MESSAGE = { guestUsername: 'maria', senderType: 'CLIENT', messageType: 'TEXT', text: 'hello' } as const
const PERSON = /person/
const CONTACT = /clientId|query/
const OPTIONS = /options/

/** Any arguments: what is tested are those that the types refuse. */
type Loose<T> = { readonly [Name in keyof T]: (...given: readonly unknown[]) => unknown }
const loose = <T>(typed: T): Loose<T> => typed as Loose<T>

const { createChatStore, createChatClient, startChatServer, attachChatServer, httpStatusOf } = loose(library)
const { prismaTransaction, drizzleTransaction, kyselyTransaction, knexTransaction } = loose(library)
const on = loose(store)
const to = loose(client)

const exported = async (...given: readonly unknown[]): Promise<void> => {
  const records = on.exportContact(...given) as AsyncIterable<unknown>
  await records[Symbol.asyncIterator]().next()
}

/** The functions that begin something, with what they are given first and as options. */
const FUNCTIONS: Readonly<Record<string, readonly Call[]>> = {
  createChatStore: [
    { call: (value) => createChatStore(value), names: /database/ },
    {
      call: (value) => createChatStore({ databaseUrl: 'postgres://a@b/c' }, value),
      ...{ right: ['undefined', 'an object without prototype'], names: OPTIONS },
    },
  ],
  createChatClient: [{ call: (value) => createChatClient(value), names: /first argument|url/ }],
  startChatServer: [{ call: (value) => startChatServer(value), names: /first argument|store/ }],
  attachChatServer: [
    { call: (value) => attachChatServer(value, { store }), names: /first argument/ },
    { call: (value) => attachChatServer(createServer(), value), names: /second argument|store/ },
  ],
  prismaTransaction: [{ call: (value) => prismaTransaction(value), names: /tx of prismaTransaction/ }],
  drizzleTransaction: [
    { call: (value) => drizzleTransaction(value, () => undefined), names: /tx of drizzleTransaction/ },
    { call: (value) => drizzleTransaction({ execute: () => undefined }, value), names: /sql of drizzleTransaction/ },
  ],
  kyselyTransaction: [{ call: (value) => kyselyTransaction(value), names: /trx of kyselyTransaction/ }],
  knexTransaction: [{ call: (value) => knexTransaction(value), names: /trx of knexTransaction/ }],
}

/** What each method is given first; null where that is the options. */
const FIRST: Readonly<Record<string, (Omit<Call, 'call'> & { readonly good: unknown }) | null>> = {
  saveChatMessage: { good: MESSAGE, names: /message/ },
  onMessage: { good: () => undefined, names: /listener/ },
  getChatHistory: { good: { clientId: 1 }, names: CONTACT },
  getRecentChats: { good: {}, names: /query/, right: ['undefined', 'an object without prototype'] },
  findChat: { good: 'maria', names: /address/, right: ['a number', 'a string'] },
  markMessagesAsRead: { good: { clientId: 1, operatorId: null }, names: CONTACT },
  getUnreadCount: null,
  renameClient: { good: { clientId: 1, username: 'maria' }, names: /rename|clientId/ },
  mergeClients: { good: { from: 1, into: 2 }, names: /merge|from/ },
  editMessage: { good: { id: 1, text: 'a' }, names: /edit|id/ },
  deleteMessage: { good: { id: 1 }, names: /deletion|id/ },
  getInactiveOperators: { good: [1], names: /operatorIds/, right: ['an array'] },
  getOperatorNames: { good: [1], names: /operatorIds/, right: ['an array'] },
  deleteMessagesBefore: { good: new Date(0), names: /before/ },
  eraseContact: { good: { clientIds: [1] }, names: PERSON },
  exportContact: { good: { clientIds: [1] }, names: PERSON },
  checkReady: null,
  close: { good: 0, names: /patienceMs/, right: ['undefined', 'a number'] },
  getLoad: { good: undefined, names: /./, right: Object.keys(BAD) as Kind[] },
}

const OPTIONAL: readonly Kind[] = ['undefined', 'an object without prototype']

const METHODS: Readonly<Record<string, readonly Call[]>> = Object.fromEntries(
  Object.entries(FIRST).map(([name, first]) => {
    const method = name === 'exportContact' ? exported : on[name as keyof library.ChatStore]
    const takesOptions = name !== 'close' && name !== 'getLoad'
    const before = first === null ? [] : [first.good]
    const options = { call: (value: unknown) => method(...before, value), right: OPTIONAL, names: OPTIONS }
    const ofListener = { ...options, right: [], names: /options|onError/ }
    return [
      name,
      [
        ...(first === null ? [] : [{ ...first, call: (value: unknown) => method(value, onError(name)) }]),
        ...(takesOptions ? [name === 'onMessage' ? ofListener : options] : []),
      ],
    ]
  }),
)

const onError = (name: string): unknown => (name === 'onMessage' ? { onError: () => undefined } : undefined)

/** All but what JSON does not have. */
const SENT = (Object.keys(BAD) as Kind[]).filter((kind) => kind !== 'a symbol' && kind !== 'a bigint')

const OF_CLIENT: Readonly<Record<string, readonly Call[]>> = {
  send: [
    // What the server has to say of an empty message needs a server.
    { call: (value) => to.send(value), names: /message/, right: ['an object without prototype'] },
    { call: (message) => to.send({ message }), names: /message/, right: SENT },
  ],
  ask: [
    { call: (value) => to.ask(value), names: /event/, right: ['a string'] },
    { call: (value) => to.ask('history', value), names: /payload/, right: OPTIONAL },
    { call: (limit) => to.ask('history', { limit: { limit } }), names: /payload/, right: [...SENT, 'a symbol'] },
  ],
  on: [
    { call: (value) => to.on(value, () => undefined), names: /event/, right: ['a string'] },
    { call: (value) => to.on('operatorMessage', value), names: /listener/ },
  ],
}

const refused = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

describe('what is no argument is refused by name', () => {
  const all = Object.entries({ ...FUNCTIONS, ...METHODS, ...OF_CLIENT }).flatMap(([name, calls]) =>
    calls.map((call, place) => [place === 0 ? name : `${name}, ${place}`, call] as const),
  )

  test.for(all)('%s', async ([, { call, right = [], names }]) => {
    for (const [kind, value] of Object.entries(BAD)) {
      if (right.includes(kind as Kind)) continue
      const error = await refused(() => call(value))
      expect([library.InvalidCall.name, library.InvalidMessage.name], `${kind}: ${String(error)}`).toContain(
        error instanceof Error ? error.name : typeof error,
      )
      expect((error as Error).message, kind).toMatch(names)
    }
  })

  test('every function and method of the library', () => {
    const isClass = (value: unknown): boolean => typeof value === 'function' && /^class\b/.test(String(value))
    const functions = Object.entries(library).flatMap(([name, value]) => (isClass(value) ? [] : [name]))
    expect([...Object.keys(FUNCTIONS), 'httpStatusOf'].toSorted()).toEqual(functions.toSorted())
    const methods = Object.entries(store).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
    expect(Object.keys(METHODS).toSorted()).toEqual(methods.toSorted())
  })

  test('an error is anything', () => {
    for (const value of Object.values(BAD)) expect(httpStatusOf(value)).toBe(500)
  })

  test('a transaction without its adapter is told which adapters there are', async () => {
    const nothing = (): undefined => undefined
    const transactions = {
      prisma: { $queryRawUnsafe: nothing },
      drizzle: { execute: nothing, query: {} },
      kysely: { executeQuery: nothing },
      knex: Object.assign(() => undefined, { raw: nothing }),
    }
    for (const [library, db] of Object.entries(transactions)) {
      const { message } = (await refused(() => on.saveChatMessage(MESSAGE, { db }))) as Error
      expect(message, library).toMatch(/^db is an? \w+, but must be a client of pg, or /)
      expect(message, library).toContain(`${library}Transaction(t`)
    }
  })
})
