import type { OperatorError } from '../../errors.js'
import type { ChatLimits, LimitName, OnLimit } from './limits.js'
import { rateLimited, tooManyBeforeJoin, tooManyPending } from '../../protocol/refusals.js'
import { createTokenBucket } from './token-bucket.js'

/** The limits on the requests of one socket. */
export interface Quota {
  /**
   * Called before a request is parsed. The first join always passes the rate: a client may have sent all that it buffered before.
   * @throws OperatorError `rate_limited` or `too_many_pending`, both retryable
   */
  enter(event: string): void
  /**
   * Called before its work begins, with the size of its payload.
   * @throws OperatorError `too_many_pending`, retryable
   */
  load(characters: number): void
  /**
   * Called before a request waits for the join of its socket.
   * @throws OperatorError `not_joined`, retryable
   */
  hold(characters: number): void
  /** Called when that wait is over. */
  release(characters: number): void
  /** How many requests wait for the join. */
  readonly held: number
  /** Called after the answer, with as many characters as were loaded. */
  leave(characters: number): void
}

/** Makes the quotas of one server: one a socket, with shared limits on the characters of requests that wait. */
export const createQuotas = (limits: ChatLimits, onLimit: OnLimit): (() => Quota) => {
  let waitingCharacters = 0
  let heldCharacters = 0
  const refusal = (limit: LimitName, error: OperatorError): OperatorError => {
    onLimit(limit)
    return error
  }
  return () => {
    const hasToken = createTokenBucket(limits.eventsPerSecond)
    let pending = 0
    let held = 0
    let hasAskedToJoin = false
    return {
      get held() {
        return held
      },
      enter: (event) => {
        const isFirstJoin = event === 'join' && !hasAskedToJoin
        hasAskedToJoin ||= isFirstJoin
        if (!hasToken() && !isFirstJoin) throw refusal('eventsPerSecond', rateLimited(limits.eventsPerSecond))
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
      hold: (characters) => {
        if (held >= limits.maxHeldPerSocket) throw refusal('maxHeldPerSocket', tooManyBeforeJoin('this connection'))
        const isFull = heldCharacters > 0 && heldCharacters + characters > limits.maxHeldCharacters
        if (isFull) throw refusal('maxHeldCharacters', tooManyBeforeJoin('this server'))
        held += 1
        heldCharacters += characters
      },
      release: (characters) => {
        held -= 1
        heldCharacters -= characters
      },
      leave: (characters) => {
        pending -= 1
        waitingCharacters -= characters
      },
    }
  }
}
