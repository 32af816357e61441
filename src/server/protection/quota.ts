import type { OperatorError } from '../../errors.js'
import type { ChatLimits, LimitName, OnLimit } from './limits.js'
import { rateLimited, tooManyPending } from '../../protocol/refusals.js'
import { createTokenBucket } from './token-bucket.js'

/** The limits on the requests of one socket. */
export interface Quota {
  /**
   * Called before a request is parsed.
   * @throws OperatorError `rate_limited` or `too_many_pending`, both retryable
   */
  enter(): void
  /**
   * Called before its work begins, with the size of its payload.
   * @throws OperatorError `too_many_pending`, retryable
   */
  load(characters: number): void
  /** Called after the answer, with as many characters as were loaded. */
  leave(characters: number): void
}

/** Makes the quotas of one server: one a socket, with a shared limit on the characters of pending requests. */
export const createQuotas = (limits: ChatLimits, onLimit: OnLimit): (() => Quota) => {
  let waitingCharacters = 0
  const refusal = (limit: LimitName, error: OperatorError): OperatorError => {
    onLimit(limit)
    return error
  }
  return () => {
    const hasToken = createTokenBucket(limits.eventsPerSecond)
    let pending = 0
    return {
      enter: () => {
        if (!hasToken()) throw refusal('eventsPerSecond', rateLimited(limits.eventsPerSecond))
        if (pending >= limits.maxPendingPerSocket)
          throw refusal('maxPendingPerSocket', tooManyPending('this connection'))
        pending += 1
      },
      load: (characters) => {
        // A request that is alone always fits, whatever the limit.
        const isFull = waitingCharacters > 0 && waitingCharacters + characters > limits.maxPendingCharacters
        if (isFull) throw refusal('maxPendingCharacters', tooManyPending('this server'))
        waitingCharacters += characters
      },
      leave: (characters) => {
        pending -= 1
        waitingCharacters -= characters
      },
    }
  }
}
