import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createInFlight } from '../../../src/concurrency/in-flight.js'
import { createAdmission } from '../../../src/server/protection/admission.js'
import { createWebOrigins } from '../../../src/server/protection/web-origins.js'
import { createOwnHosts, publicOrigin } from '../../../src/server/protection/own-hosts.js'

const OWN = createOwnHosts('listening.example', ['chat.example', 'http://plain.example:8080'])

const reasonFor = (
  origins: readonly string[],
  headers: IncomingMessage['headers'],
  closing: boolean,
  socket: object = {},
) => {
  const inFlight = createInFlight()
  if (closing) void inFlight.drain(0)
  let answered: unknown
  const rules = { allowsAll: origins.includes('*'), allowsOrigin: createWebOrigins(origins) }
  createAdmission({ inFlight, ...rules, ownHosts: OWN, warnRarely: () => undefined })(
    { headers, socket },
    (reason, allowed) => {
      answered = allowed ? 'allowed' : reason
    },
  )
  return answered
}

const REFUSED = 'this origin is not allowed'
const UNKNOWN = 'this host is not allowed'
const shop = 'https://shop.example'

describe('a new connection', () => {
  test.each<[string, readonly string[], string | undefined, string | undefined, string]>([
    ['without an origin, to a public host', [], undefined, 'chat.example', 'allowed'],
    ['without an origin, to a public host with a port', [], undefined, 'CHAT.example:3001', 'allowed'],
    ['without an origin, to the name it listens on', [], undefined, 'listening.example:3001', 'allowed'],
    ['without an origin, to an address', [], undefined, '192.0.2.7:3001', 'allowed'],
    ['without an origin, to an IPv6 address', [], undefined, '[::1]:3001', 'allowed'],
    ['without an origin, to localhost', [], undefined, 'localhost:3001', 'allowed'],
    ['of a page that points its name here, without an origin', [], undefined, 'evil.example:3001', UNKNOWN],
    ['without an origin, to a name that only ends like ours', [], undefined, 'evil-chat.example', UNKNOWN],
    ['without an origin, to a name that only begins like an address', [], undefined, '127.0.0.1.evil.example', UNKNOWN],
    ['without origin and host', [], undefined, undefined, UNKNOWN],
    ['of an origin on the list, whatever the host', [shop], shop, 'internal', 'allowed'],
    ['of any origin and host, when all are allowed', ['*'], shop, 'any.example', 'allowed'],
    ['of a page of the server itself', [], 'http://127.0.0.1:3001', '127.0.0.1:3001', 'allowed'],
    ['of a page of the server itself, on the usual port', [], 'http://localhost', 'localhost:80', 'allowed'],
    ['of its page behind a TLS proxy', [], 'https://chat.example', '127.0.0.1:3001', 'allowed'],
    ['of its public page without TLS', [], 'http://plain.example:8080', 'plain.example:8080', 'allowed'],
    ['of a page that points its name here', [], 'http://evil.example:3001', 'evil.example:3001', REFUSED],
    ['of its own address under another scheme', [], 'https://127.0.0.1:3001', '127.0.0.1:3001', REFUSED],
    ['of its public host under another scheme', [], 'http://chat.example', 'chat.example', REFUSED],
    ['of another port of the same host', [], 'http://127.0.0.1:80', '127.0.0.1:3001', REFUSED],
    ['of another origin', [shop], 'https://evil.example', 'chat.example', REFUSED],
    ['of an origin that only begins like one on the list', [shop], `${shop}.evil`, 'chat.example', REFUSED],
    ['of an opaque origin', [], 'null', 'null', REFUSED],
    ['without a host to compare with', [], shop, undefined, REFUSED],
  ])('%s', (_what, origins, origin, host, expected) => {
    const headers = { ...(origin && { origin }), ...(host && { host }) }
    expect(reasonFor(origins, headers, false)).toBe(expected)
    expect(reasonFor(origins, headers, true)).toBe('the server is shutting down')
  })
})

test.each([
  ['a page of a server with TLS', { host: 'localhost:8443', origin: 'https://localhost:8443' }, true, 'allowed'],
  ['a page without TLS', { host: 'localhost:8443', origin: 'http://localhost:8443' }, true, REFUSED],
  ['HTTP/2, which has no Host', { ':authority': 'localhost:8443' }, true, 'allowed'],
  ['HTTP/2 to another name', { ':authority': 'evil.example' }, true, UNKNOWN],
])('of %s', (_what, headers, encrypted, expected) => {
  expect(reasonFor([], headers, false, { encrypted })).toBe(expected)
})

test.each([
  ['chat.example', 'https://chat.example'],
  ['Chat.Example:8443', 'https://chat.example:8443'],
  ['http://chat.example', 'http://chat.example'],
  ['chat.example/path', undefined],
  ['user@chat.example', undefined],
  ['ftp://chat.example', undefined],
  ['', undefined],
  ['*', undefined],
])('the public host %j is the origin %s', (text, origin) => {
  expect(publicOrigin(text)).toBe(origin)
})
