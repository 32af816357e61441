import { leastPacketBytesFor } from '../protocol/packet-size.js'
import type { Answer } from './answer.js'

/**
 * Refuses what the server does not take. It never reads a packet that is too large, but ends the connection, and the client would
 * send it again for ever.
 * @param maxMessageBytes as the answer to the join has it; servers of before have none
 * @returns undefined for what may be sent
 */
export const refuseLarge = (event: string, payload: object, maxMessageBytes: unknown): Answer | undefined => {
  if (typeof maxMessageBytes !== 'number') return undefined
  const tooLarge = Object.entries(payload).flatMap(([field, value]) => {
    const size = typeof value === 'string' ? bytesIn(value, maxMessageBytes) : 0
    return size <= maxMessageBytes ? [] : [`${field} is larger than ${maxMessageBytes} bytes: it has ${size}`]
  })
  const most = leastPacketBytesFor(maxMessageBytes)
  if (tooLarge.length === 0 && isLarge(payload, maxMessageBytes) && bytesIn(JSON.stringify(payload), most) > most)
    tooLarge.push(`it is larger than ${most} bytes of JSON`)
  if (tooLarge.length === 0) return undefined
  const code = MESSAGES.includes(event) ? 'invalid_message' : 'invalid_payload'
  return { ok: false, error: { code, message: `${event} is too large: ${tooLarge.join('; ')}`, retryable: false } }
}

const MESSAGES = ['clientMessage', 'operatorMessage']

/** Whether the packet could be too large though no field is. */
const isLarge = (payload: object, bytes: number): boolean =>
  Object.values(payload).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0) > bytes

/** Its bytes in UTF-8; a unit of UTF-16 has three at most, so what cannot be larger than `most` is not counted. */
const bytesIn = (text: string, most: number): number =>
  text.length * 3 <= most ? 0 : new TextEncoder().encode(text).length
