import { Decoder, Encoder } from 'socket.io-parser'

/**
 * No event takes binary, and Socket.IO would collect up to ten attachments of a packet before any listener sees it. Here they
 * are dropped as they come: the listener finds their placeholders, and refuses the payload.
 */
class TextDecoder extends Decoder {
  override add(chunk: unknown): void {
    if (typeof chunk === 'string') super.add(chunk.replace(BINARY_HEAD, toTextHead))
  }
}

/** `51-` begins an event with one attachment, `63-` an acknowledgement with three. */
const BINARY_HEAD = /^([56])(\d+)-/

/** Socket.IO's own bound. */
const MOST_ATTACHMENTS = 10

const toTextHead = (_head: string, type: string, attachments: string): string => {
  if (Number(attachments) > MOST_ATTACHMENTS) throw new Error('too many attachments')
  return type === '5' ? '2' : '3'
}

/** Socket.IO's own format, without binary. */
export const TEXT_PARSER = { Encoder, Decoder: TextDecoder }
