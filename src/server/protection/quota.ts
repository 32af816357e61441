import type { ChatLimits } from './limits.js'
import { rateLimited, tooManyPending } from '../../protocol/refusals.js'
import { createTokenBucket } from './token-bucket.js'

/** What one socket's requests have to pass. */
export interface Quota {
  /**
   * Before a request is even looked at.
   * @throws OperatorError `rate_limited` or `too_many_pending`, both retryable
   */
  enter(): void
  /**
   * Before its work begins, when it is known what it carries.
   * @throws OperatorError `too_many_pending`, retryable
   */
  load(characters: number): void
  /** After the answer, with as many characters as were loaded. */
  leave(characters: number): void
}

/** The quotas of one server: each socket has its own, and all share the room for what waits. */
export const createQuotas = (limits: ChatLimits): (() => Quota) => {
  let waitingCharacters = 0
  return () => {
    const hasToken = createTokenBucket(limits.eventsPerSecond)
    let pending = 0
    return {
      enter: () => {
        if (!hasToken()) throw rateLimited(limits.eventsPerSecond)
        if (pending >= limits.maxPendingPerSocket) throw tooManyPending('this connection')
        pending += 1
      },
      load: (characters) => {
        // One that is alone always fits, however small the room is.
        const isFull = waitingCharacters > 0 && waitingCharacters + characters > limits.maxPendingCharacters
        if (isFull) throw tooManyPending('this server')
        waitingCharacters += characters
      },
      leave: (characters) => {
        pending -= 1
        waitingCharacters -= characters
      },
    }
  }
}
