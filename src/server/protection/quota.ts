import type { OperatorError } from '../../errors.js'
import type { ChatLimits, LimitName, OnLimit } from './limits.js'
import { rateLimited, tooManyBeforeJoin, tooManyPending } from '../../protocol/refusals.js'
import { isTyping, kindOf, type EventKind } from './event-kind.js'
import { createTokenBucket, type TokenBucket } from './token-bucket.js'

/**
 * The limits on the requests of one socket. Joins, typing and events of unknown names have rates of their own, and what a client has
 * sent before is no reason to refuse its join.
 */
export interface Quota {
  /**
   * Called before a request is parsed.
   * @throws OperatorError `too_many_pending`, or after too many mistakes `not_joined` or `rate_limited`; all retryable
   */
  enter(event: string, waitsFor: WaitsFor): void
  /**
   * Called before its work begins, with the size of its payload.
   * @throws OperatorError `too_many_pending`, retryable
   */
  load(event: string, characters: number): void
  /** Whether the rate lets the request pass now; it then counts. */
  takes(event: string): boolean
  /** In how many milliseconds the rate lets the next such request pass. */
  waitMs(event: string): number
  /**
   * Called before a request waits, for the join of its socket or for its rate. Typing takes no place; the caller keeps it few.
   * @throws OperatorError `not_joined` or `rate_limited`, retryable
   */
  hold(event: string, characters: number, waitsFor: WaitsFor): void
  /** Called when that wait is over. */
  release(event: string, characters: number): void
  /** Called for a request that was refused after it was parsed, which takes time as well. */
  mistaken(event: string): void
  /** The refusal of a request beyond the rate. */
  overRate(): OperatorError
  /** Called after the answer, with as many characters as were loaded. */
  leave(event: string, characters: number): void
}

/** What an event of a socket has to wait for: the join of its socket, or no more than its rate. */
export type WaitsFor = 'join' | 'rate'

/** What is larger has to find room as messages do: nobody's token is as long. */
const SMALL_CHARACTERS = 16_384

/** Whether it needs no room among messages: a join, and what a socket has few of. */
const isSmall = (event: string, characters: number): boolean =>
  kindOf(event) !== 'request' && characters <= SMALL_CHARACTERS

/** Makes the quotas of one server: one a socket, with shared limits on the characters of requests that wait. */
export const createQuotas = (limits: ChatLimits, onLimit: OnLimit): (() => Quota) => {
  let waitingCharacters = 0
  let heldCharacters = 0
  const refusal = (limit: LimitName, error: OperatorError): OperatorError => {
    onLimit(limit)
    return error
  }
  return () => {
    const events = createRates(limits.eventsPerSecond)
    const mistakes = createRates(limits.eventsPerSecond)
    const overRate = (): OperatorError => refusal('eventsPerSecond', rateLimited(limits.eventsPerSecond))
    const pending = countEach()
    const held = countEach()
    return {
      enter: (event, waitsFor) => {
        if (mistakes(event).waitMs() > 0)
          throw waitsFor === 'rate' ? overRate() : refusal('eventsPerSecond', tooManyBeforeJoin('this connection'))
        if (kindOf(event) === 'request' && pending.of(event) >= limits.maxPendingPerSocket)
          throw refusal('maxPendingPerSocket', tooManyPending('this connection'))
        pending.add(event, 1)
      },
      load: (event, characters) => {
        // A request that is alone always fits, whatever the limit.
        const isFull = waitingCharacters > 0 && waitingCharacters + characters > limits.maxPendingCharacters
        if (isFull && !isSmall(event, characters)) throw refusal('maxPendingCharacters', tooManyPending('this server'))
        waitingCharacters += characters
      },
      takes: (event) => events(event).take(),
      waitMs: (event) => events(event).waitMs(),
      hold: (event, characters, waitsFor) => {
        const full = (limit: LimitName, scope: string): OperatorError =>
          waitsFor === 'rate' ? overRate() : refusal(limit, tooManyBeforeJoin(scope))
        const takesPlace = !isTyping(event) || waitsFor === 'join'
        const taken = isTyping(event) ? 0 : held.of(event)
        if (takesPlace && taken >= limits.maxHeldPerSocket) throw full('maxHeldPerSocket', 'this connection')
        const isFull = heldCharacters > 0 && heldCharacters + characters > limits.maxHeldCharacters
        if (isFull && !isSmall(event, characters)) throw full('maxHeldCharacters', 'this server')
        held.add(event, 1)
        heldCharacters += characters
      },
      release: (event, characters) => {
        held.add(event, -1)
        heldCharacters -= characters
      },
      mistaken: (event) => void mistakes(event).take(),
      overRate,
      leave: (event, characters) => {
        pending.add(event, -1)
        waitingCharacters -= characters
      },
    }
  }
}

/** A rate for each kind of event. Made when one comes: most sockets send few kinds. */
const createRates = (perSecond: number): ((event: string) => TokenBucket) => {
  const rates = new Map<EventKind, TokenBucket>()
  return (event) => {
    const kind = kindOf(event)
    const rate = rates.get(kind) ?? createTokenBucket(perSecond)
    rates.set(kind, rate)
    return rate
  }
}

const countEach = () => {
  const counts = { join: 0, typing: 0, unknown: 0, request: 0 }
  return {
    of: (event: string): number => counts[kindOf(event)],
    add: (event: string, amount: 1 | -1): void => void (counts[kindOf(event)] += amount),
  }
}
