import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { SILENT_LOG } from '../../../src/chat-log.js'
import { createInFlight } from '../../../src/concurrency/in-flight.js'
import { createAdmission } from '../../../src/server/protection/admission.js'

const reasonFor = (origins: readonly string[], headers: IncomingMessage['headers'], closing: boolean) => {
  const inFlight = createInFlight()
  if (closing) void inFlight.drain(0)
  let answered: unknown
  createAdmission({ inFlight, origins, log: SILENT_LOG })({ headers }, (reason, allowed) => {
    answered = allowed ? 'allowed' : reason
  })
  return answered
}

const REFUSED = 'this origin is not allowed'
const shop = 'https://shop.example'

describe('a new connection', () => {
  test.each<[string, readonly string[], string | undefined, string | undefined, string]>([
    ['without an origin, which is no browser', [], undefined, 'chat.example', 'allowed'],
    ['of an origin on the list', [shop], shop, 'chat.example', 'allowed'],
    ['of any origin, when all are allowed', ['*'], shop, 'chat.example', 'allowed'],
    ['of a page of the server itself', [], 'http://chat.example:3001', 'chat.example:3001', 'allowed'],
    ['of another port of the same host', [], 'http://chat.example:80', 'chat.example:3001', REFUSED],
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
