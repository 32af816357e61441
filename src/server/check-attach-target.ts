import { FILLED_TEXT, isObject, objectWith, shown, type Rule } from '../check-options.js'
import { InvalidCall } from '../invalid-call.js'
import { DEFAULT_PATH } from './defaults.js'

const WHAT = 'the first argument'

/** Node's servers for HTTP, HTTPS and HTTP/2; `setTimeout` tells them from those for plain TCP. */
const HTTP_SERVER = objectWith('address', 'close', 'listen', 'rawListeners', 'removeAllListeners', 'setTimeout')

const SOCKET_IO_SERVER = objectWith('of')

/** What frameworks hand out instead of their server, and how to get that. */
const FRAMEWORKS: readonly (readonly [is: (to: Framework) => boolean, hint: string])[] = [
  [(to) => to.sockets instanceof Map, 'pass the Socket.IO server, and the name as the option namespace'],
  [
    (to) => typeof to === 'function',
    'of Express pass the server: const http = app.listen(3000), or createServer(app) of node:http',
  ],
  [(to) => typeof to.getHttpServer === 'function', 'of Nest pass app.getHttpServer()'],
  [(to) => HTTP_SERVER.fits(to.server), 'of Fastify pass app.server'],
  [(to) => typeof to.callback === 'function', 'of Koa pass the server: createServer(app.callback()) of node:http'],
  [(to) => typeof to.server === 'function' || isObject(to.server), 'pass the server itself, its property server'],
]

type Framework = Readonly<Record<string, unknown>>

const ANY_SERVER_HINT = 'pass what createServer of node:http or node:https returns, or new Server() of socket.io'

/** @throws InvalidCall `invalid_option` which says what to pass instead */
export const kindOfServer = (to: unknown): 'http' | 'socket.io' => {
  if (HTTP_SERVER.fits(to)) return 'http'
  if (isObject(to) && SOCKET_IO_SERVER.fits(to)) return 'socket.io'
  const given = isObject(to) || typeof to === 'function' ? (to as unknown as Framework) : undefined
  const hint = given && FRAMEWORKS.find(([is]) => is(given))?.[1]
  throw new InvalidCall(
    'invalid_option',
    `${WHAT} ${shown(to)}, but must be an HTTP server of Node or a Socket.IO server`,
    { hint: hint ?? ANY_SERVER_HINT },
  )
}

/** Segments of letters, digits and what else needs no escape in the path of a URL. */
const PATH = /^(\/[A-Za-z0-9._~!$&'()*+;=:@-]+)+\/?$/

/** What browsers resolve before they ask. */
const RELATIVE = /\/\.{1,2}(\/|$)/

const isPath = (value: unknown): boolean => typeof value === 'string' && PATH.test(value) && !RELATIVE.test(value)

/** Socket.IO adds the slash in front, on both sides. */
export const CHAT_NAMESPACE: Rule = {
  must: `a namespace such as ${DEFAULT_PATH}: letters, digits, slashes and - . _ ~`,
  shows: 'value',
  fits: (value) => value === '/' || (FILLED_TEXT.fits(value) && isPath(`/${String(value).replace(/^\//, '')}`)),
}

/** Where clients find a chat. A name with other characters would never match what they ask for. */
export const CHAT_PATH: Rule = {
  must: `a path such as ${DEFAULT_PATH} or /support/chat: a slash, then letters, digits and - . _ ~`,
  shows: 'value',
  fits: (value) => FILLED_TEXT.fits(value) && isPath(value),
}
