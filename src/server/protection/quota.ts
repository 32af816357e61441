import type { OperatorError } from '../../errors.js'
import type { ChatLimits, LimitName, OnLimit } from './limits.js'
import { rateLimited, tooManyBeforeJoin, tooManyPending } from '../../protocol/refusals.js'
import { createTokenBucket } from './token-bucket.js'

/** The limits on the requests of one socket. */
export interface Quota {
  /**
   * Called before a request is parsed.
   * @throws OperatorError `too_many_pending`, or `rate_limited` after too many mistakes; both retryable
   */
  enter(event: string): void
  /**
   * Called before its work begins, with the size of its payload.
   * @throws OperatorError `too_many_pending`, retryable
   */
  load(characters: number): void
  /**
   * Whether the rate lets the request pass now; it then counts. The first join of a socket always passes. Typing has a rate of its
   * own, and so never costs a message.
   */
  takes(event: string): boolean
  /** In how many milliseconds the rate lets the next request pass. */
  waitMs(): number
  /**
   * Called before a request waits, for the join of its socket or for its rate.
   * @throws OperatorError `not_joined` or `rate_limited`, retryable
   */
  hold(characters: number, waitsFor: 'join' | 'rate'): void
  /** Called when that wait is over. */
  release(characters: number): void
  /** How many requests wait. */
  readonly held: number
  /** Called for a request that was refused after it was parsed, which takes time as well. */
  mistaken(): void
  /** The refusal of a request beyond the rate. */
  overRate(): OperatorError
  /** Called after the answer, with as many characters as were loaded. */
  leave(characters: number): void
}

const TYPING = ['clientTyping', 'operatorTyping']

/** Whether the event says who types: only the last one matters, and none is missed. */
export const isTyping = (event: string): boolean => TYPING.includes(event)

/** Makes the quotas of one server: one a socket, with shared limits on the characters of requests that wait. */
export const createQuotas = (limits: ChatLimits, onLimit: OnLimit): (() => Quota) => {
  let waitingCharacters = 0
  let heldCharacters = 0
  const refusal = (limit: LimitName, error: OperatorError): OperatorError => {
    onLimit(limit)
    return error
  }
  return () => {
    const events = createTokenBucket(limits.eventsPerSecond)
    const typing = createTokenBucket(limits.eventsPerSecond)
    const mistakes = createTokenBucket(limits.eventsPerSecond)
    const overRate = (): OperatorError => refusal('eventsPerSecond', rateLimited(limits.eventsPerSecond))
    let pending = 0
    let held = 0
    let firstJoin: 'to come' | 'to pass' | 'passed' = 'to come'
    return {
      get held() {
        return held
      },
      enter: (event) => {
        const isFirstJoin = event === 'join' && firstJoin === 'to come'
        if (isFirstJoin) firstJoin = 'to pass'
        else if (mistakes.waitMs() > 0) throw overRate()
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
      takes: (event) => {
        const isFirstJoin = event === 'join' && firstJoin === 'to pass'
        if (isFirstJoin) firstJoin = 'passed'
        return (isTyping(event) ? typing : events).take() || isFirstJoin
      },
      waitMs: () => events.waitMs(),
      hold: (characters, waitsFor) => {
        const full = (limit: LimitName, scope: string): OperatorError =>
          waitsFor === 'rate' ? overRate() : refusal(limit, tooManyBeforeJoin(scope))
        if (held >= limits.maxHeldPerSocket) throw full('maxHeldPerSocket', 'this connection')
        const isFull = heldCharacters > 0 && heldCharacters + characters > limits.maxHeldCharacters
        if (isFull) throw full('maxHeldCharacters', 'this server')
        held += 1
        heldCharacters += characters
      },
      release: (characters) => {
        held -= 1
        heldCharacters -= characters
      },
      mistaken: () => void mistakes.take(),
      overRate,
      leave: (characters) => {
        pending -= 1
        waitingCharacters -= characters
      },
    }
  }
}
