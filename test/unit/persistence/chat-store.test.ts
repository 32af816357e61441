import { inspect } from 'node:util'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createChatStore, InvalidCall, InvalidMessage, type ChatStore } from '../../../src/index.js'

const URL_OF_NOTHING = 'postgres://nobody:secret-word@127.0.0.1:1/none'

test.for<[string, readonly unknown[], string]>([
  ['nothing', [], 'name the database by exactly one of databaseUrl and pool (given: none)'],
  ['null', [null], 'name the database by exactly one of databaseUrl and pool (given: none)'],
  ['an empty object', [{}], 'name the database by exactly one of databaseUrl and pool (given: none)'],
  ['a variable that is not set', [{ databaseUrl: undefined }], 'databaseUrl is undefined'],
  ['a pool that is missing', [{ pool: undefined }], 'pool is undefined'],
  ['a URL alone', [URL_OF_NOTHING], 'the first argument is a string, but must be an object with databaseUrl or pool'],
  ['a number', [{ databaseUrl: 5 }], 'databaseUrl is 5, but must be a string'],
  ['what is no pool', [{ pool: {} }], 'pool is an object, but must be an object with the method connect'],
  [
    'a misspelt name',
    [{ databaseURL: URL_OF_NOTHING }],
    'unknown option "databaseURL"; did you mean databaseUrl? (options are the second argument)',
  ],
  [
    'two databases',
    [{ databaseUrl: URL_OF_NOTHING, pool: {} }],
    'name the database by exactly one of databaseUrl and pool (given: databaseUrl, pool)',
  ],
  [
    'no URL',
    [{ databaseUrl: 'mysql://h/d' }],
    'databaseUrl is not a usable PostgreSQL URL: its scheme is mysql, not postgres',
  ],
  [
    'a misspelt option',
    [{ databaseUrl: URL_OF_NOTHING }, { maxConection: 3 }],
    'unknown option "maxConection"; did you mean maxConnections?',
  ],
  [
    'several wrong options',
    [
      { databaseUrl: URL_OF_NOTHING },
      { deadlineMs: NaN, maxConnections: 0, schema: '', applicationName: 5, onPromotion: 'x', a: 1 },
    ],
    'deadlineMs is NaN, but must be a whole number from 0 to 2147483647; ' +
      'maxConnections is 0, but must be a whole number of at least 1; schema is empty, but must be a string ' +
      'that is not empty; applicationName is 5, but must be a string; onPromotion is a string, but must be a function; ' +
      'unknown option "a"',
  ],
  ['options that are null', [{ databaseUrl: URL_OF_NOTHING }, null], 'options is null, but must be an object'],
])('a store of %s is refused at once, as the fault of the caller', ([, given, message]) => {
  const open = createChatStore as (...given: readonly unknown[]) => ChatStore
  expect(() => open(...given)).toThrow(InvalidCall)
  expect(() => open(...given)).toThrow(expect.objectContaining({ message, blames: 'caller', retryable: false }))
})

const MESSAGE = { guestUsername: 'maria', senderType: 'CLIENT', messageType: 'TEXT', text: 'hello' } as const

test.for<[string, (store: ChatStore) => Promise<unknown>, Partial<Record<keyof InvalidCall, string>>]>([
  ['history without a query', (store) => store.getChatHistory(undefined as never), { code: 'invalid_contact' }],
  ['a mark without a query', (store) => store.markMessagesAsRead(undefined as never), { code: 'invalid_contact' }],
  [
    'a misspelt contact',
    (store) => store.getChatHistory({ clientID: 3 } as never),
    { code: 'invalid_option', message: 'unknown option "clientID"; did you mean clientId?' },
  ],
  [
    'a misspelt limit and a limit of bytes that is none',
    (store) => store.getChatHistory({ guestUsername: 'maria', lmit: 3, maxBytes: NaN } as never),
    {
      code: 'invalid_option',
      message: 'unknown option "lmit"; did you mean limit?; maxBytes is NaN, but must be a whole number of at least 0',
    },
  ],
  [
    'a limit of text',
    (store) => store.getChatHistory({ guestUsername: 'maria', limit: '5' } as never),
    { code: 'invalid_limit', message: 'limit is a string, but must be a whole number from 1 to 200' },
  ],
  [
    'a misspelt cursor of recent chats',
    (store) => store.getRecentChats({ befor: 'x' } as never),
    { code: 'invalid_option', message: 'unknown option "befor"; did you mean before?' },
  ],
  [
    'recent chats of null',
    (store) => store.getRecentChats(null as never),
    { code: 'invalid_option', message: 'the query is null, but must be an object' },
  ],
  [
    'a mark up to a message, misspelt',
    (store) => store.markMessagesAsRead({ guestUsername: 'maria', operatorId: 1, upToMessageID: 3 } as never),
    { code: 'invalid_option', message: 'unknown option "upToMessageID"; did you mean upToMessageId?' },
  ],
  [
    'a mark by an operator that is no id',
    (store) => store.markMessagesAsRead({ guestUsername: 'maria', operatorId: 'x' } as never),
    { code: 'invalid_option' },
  ],
  ['operators that are no list', (store) => store.getInactiveOperators('x' as never), { code: 'invalid_option' }],
])('%s is refused before anything is asked of the database', async ([, call, expected]) => {
  const store = createChatStore({ databaseUrl: URL_OF_NOTHING })
  const error: unknown = await call(store).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(InvalidCall)
  expect(error).toMatchObject({ ...expected, blames: 'caller' })
  await store.close()
})

test('a message with a misspelt field is refused, with everything that is wrong', async () => {
  const store = createChatStore({ databaseUrl: URL_OF_NOTHING })
  const error: unknown = await store
    .saveChatMessage({ ...MESSAGE, clientID: 3, sendertype: 'x', text: '' } as never)
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(InvalidMessage)
  expect(error).toMatchObject({
    reasons: [
      'unknown field "clientID"; did you mean clientId?',
      'unknown field "sendertype"; did you mean senderType?',
      'text is empty',
    ],
  })
  await store.close()
})

test('an error as an application logs it has what it needs, and neither secrets nor exit codes', async () => {
  const store = createChatStore({ databaseUrl: URL_OF_NOTHING }, { deadlineMs: 0 })
  const error = await store.saveChatMessage({ ...MESSAGE, idempotencyKey: 'key-1' }).catch((reason: unknown) => reason)
  await store.close()
  let line = ''
  pino({}, { write: (text: string) => (line += text) }).error(error)
  const shown = [JSON.stringify(error), inspect(error, { depth: Infinity }), line]
  for (const text of shown) {
    expect(text).toContain('database_unavailable')
    expect(text).toContain('the database is unavailable: nothing listens there')
    expect(text).toContain('key-1')
    expect(text).not.toMatch(/secret-word|exitCode|facts/)
  }
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: 'StoreUnavailable',
    code: 'database_unavailable',
    message: 'the database is unavailable: nothing listens there',
    retryable: true,
    hint: 'check host and port, and that the server runs: pg_isready -h 127.0.0.1 -p 1',
    details: [],
    blames: 'database',
    idempotencyKey: 'key-1',
  })
})
