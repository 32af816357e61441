import { shortened } from '../check-options.js'
import { leastPacketBytesFor, REST_BYTES } from '../protocol/packet-size.js'
import type { Answer } from './answer.js'

/**
 * Refuses what the server does not take. It never reads a packet that is too large, but ends the connection, and the client would
 * send it again for ever.
 * @param maxMessageBytes as the answer to the join has it; servers of before have none
 * @returns undefined for what may be sent
 */
export const refuseLarge = (event: string, payload: object, maxMessageBytes: unknown): Answer | undefined =>
  typeof maxMessageBytes === 'number'
    ? refuseAbove(maxMessageBytes, leastPacketBytesFor(maxMessageBytes), event, payload)
    : undefined

/** The same for a join, before the server has told its limits: every server takes so many bytes, and no name or token has as many. */
export const refuseLargeJoin = (payload: object): Answer | undefined =>
  refuseAbove(REST_BYTES, REST_BYTES, 'join', payload)

const refuseAbove = (mostOfField: number, most: number, event: string, payload: object): Answer | undefined => {
  const tooLarge = Object.entries(payload).flatMap(([field, value]) => {
    const size = typeof value === 'string' ? bytesIn(value, mostOfField) : 0
    return size <= mostOfField ? [] : [`${shortened(field)} is larger than ${mostOfField} bytes: it has ${size}`]
  })
  if (tooLarge.length === 0 && bytesIn(JSON.stringify([event, payload]), most) > most)
    tooLarge.push(`it is larger than ${most} bytes of JSON`)
  if (tooLarge.length === 0) return undefined
  const code = MESSAGES.includes(event) ? 'invalid_message' : 'invalid_payload'
  const message = `${shortened(event)} is too large: ${tooLarge.slice(0, MOST_NAMED).join('; ')}`
  return { ok: false, error: { code, message, retryable: false } }
}

const MESSAGES = ['clientMessage', 'operatorMessage']

/** Fields that the text names; a message has no more. */
const MOST_NAMED = 10

/** Its bytes in UTF-8; a unit of UTF-16 has three at most, so what cannot be larger than `most` is not counted. */
const bytesIn = (text: string, most: number): number =>
  text.length * 3 <= most ? 0 : new TextEncoder().encode(text).length
