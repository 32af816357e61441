import { expect, test } from 'vitest'
import { createChatClient, InvalidCall, startChatServer } from '../../../src/index.js'

const URL_OF_NOTHING = 'http://127.0.0.1:1/chat'
const JOIN = { role: 'client', username: 'maria' }

test.for<[string, unknown, string]>([
  ['nothing', undefined, 'the first argument is undefined, but must be an object'],
  ['no URL', { join: JOIN }, 'url is undefined, but must be a string that is not empty'],
  ['no join', { url: URL_OF_NOTHING }, 'join is undefined, but must be an object'],
  ['no role', { url: URL_OF_NOTHING, join: {} }, 'join.role is undefined, but must be "client" or "operator"'],
  [
    'misspelt options',
    { url: URL_OF_NOTHING, join: JOIN, paitenceMs: 3, answerTimeoutMs: 'x' },
    'unknown option "paitenceMs"; did you mean patienceMs?; answerTimeoutMs is a string, but must be a whole number from 1 to 2147483647',
  ],
  [
    'a misspelt identity',
    { url: URL_OF_NOTHING, join: { ...JOIN, tokn: 'x' } },
    'unknown option "tokn"; did you mean token?',
  ],
  ['a URL with a password', { url: 'http://me:secret@h/chat?x', join: JOIN }, 'url is not a URL of a chat server'],
  ['another URL', { url: 'ftp://h', join: JOIN }, '"ftp://h" is not a URL of a chat server'],
])('a client of %s is refused at once', ([, options, message]) => {
  const open = () => createChatClient(options as never)
  expect(open).toThrow(InvalidCall)
  expect(open).toThrow(message)
})

test('a message with a misspelt field is refused before it is sent', async () => {
  const client = createChatClient({ url: URL_OF_NOTHING, join: { role: 'client', username: 'maria' } })
  await expect(client.send({ mesage: 'x' } as never)).rejects.toThrow('unknown option "mesage"; did you mean message?')
  expect(client.unacknowledged).toEqual([])
  await client.close()
})

test.for(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])(
  'a request named %s, which Socket.IO reserves, is refused at once',
  async (event) => {
    const client = createChatClient({ url: URL_OF_NOTHING, join: { role: 'client', username: 'maria' } })
    const refused = client.ask(event)
    await expect(refused).rejects.toThrow(InvalidCall)
    await expect(refused).rejects.toThrow(`event is "${event}", but must be a name that Socket.IO does not reserve`)
    await client.close()
  },
)

const STORE = { saveChatMessage: test, getChatHistory: test, getRecentChats: test, markMessagesAsRead: test }

test.for<[string, unknown, string]>([
  ['no store', { port: 0 }, 'store is undefined, but must be an object with the method saveChatMessage and'],
  [
    'wrong options',
    { store: STORE, port: 'x', maxConections: 3, maxUnjoined: 0, log: {} },
    'port is a string, but must be a whole number from 0 to 65535; unknown option "maxConections"; did you mean maxConnections?; ' +
      'maxUnjoined is 0, but must be a whole number from 1 to 1000000; log is an object, but must be an object with the method debug',
  ],
  [
    'a journal without a file',
    { store: STORE, journal: { maxBytes: 1 } },
    'journal.path is undefined, but must be a string that is not empty',
  ],
  ['an origin that is none', { store: STORE, port: 0, corsOrigin: 'shop.example' }, 'corsOrigin is "shop.example"'],
])('a server of %s is refused at once', async ([, options, message]) => {
  const error: unknown = await startChatServer(options as never).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(InvalidCall)
  expect(String(error)).toContain(message)
})
