import type { Refusal, WireError } from '../../protocol/acknowledgement.js'
import type { WarnRarely } from '../../rare-log.js'
import { isTyping } from '../protection/event-kind.js'
import { createTokenBucket } from '../protection/token-bucket.js'
import type { ChatSocket } from '../chat-io.js'

/** Tells a client that asked for no acknowledgement why its event is refused. */
export type TellRefusal = (event: string, payload: unknown, error: WireError) => void

/** Three times as many at once: more than may wait for a join. */
const TOLD_PER_SECOND = 100

/** Longest `messageId` that a client may send. */
const MAX_MESSAGE_ID_LENGTH = 255

/** The event `refused` for one socket, and a line in the log. Bounded: a flood of refused events is not answered with a flood. */
export const createTellRefusal = (socket: ChatSocket, warnRarely: WarnRarely): TellRefusal => {
  const told = createTokenBucket(TOLD_PER_SECOND)
  return (event, payload, error) => {
    // After too many invalid ones; what they would have said does not matter any more.
    if (isTyping(event) && error.code === 'rate_limited') return
    const isTold = socket.connected && told.take()
    warnRarely(
      { event: 'event_refused', request: event, code: error.code },
      `event refused; its sender asked for no acknowledgement and ${isTold ? 'was told by the event refused' : 'could not be told'}`,
    )
    if (!isTold) return
    const refusal: Refusal = { event, ...messageIdIn(payload), ...error }
    socket.emit('refused', refusal)
  }
}

const messageIdIn = (payload: unknown): Pick<Refusal, 'messageId'> => {
  const { messageId } = (payload ?? {}) as { readonly messageId?: unknown }
  return typeof messageId === 'string' && messageId.length <= MAX_MESSAGE_ID_LENGTH ? { messageId } : {}
}
