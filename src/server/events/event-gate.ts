import type { OperatorError } from '../../errors.js'
import type { Arrival } from './arrival.js'
import { isTyping } from '../protection/event-kind.js'
import type { Quota, WaitsFor } from '../protection/quota.js'
import type { Reply } from './reply.js'
import { chatOf, createTypingTurns } from './typing-turns.js'

/**
 * Lets the events of a socket in, in the order in which they came: after its first join, while no operator is checked, and no
 * faster than its rate. A stock client sends what it buffered while disconnected before its `connect` handler runs: before the
 * join, and all at once. Who is too fast waits, and is refused only when too many wait. Of typing only the last state waits, and
 * delays no message.
 */
export interface EventGate {
  /**
   * Runs the work of an event, at once or when its turn comes.
   * @throws OperatorError `rate_limited` or `not_joined` when too many wait; the reason of `refuse` or `end`
   * @returns undefined when the socket left before its join
   */
  pass(arrival: Arrival): Reply | undefined | Promise<Reply | undefined>
  /** What such an event has to wait for if it comes now. */
  waitsFor(event: string): WaitsFor
  /** The socket has joined: what waits goes on. */
  open(): void
  /** Runs a join that takes a while; what is sent meanwhile, other joins too, waits for its end. */
  during<T>(join: Promise<T>): Promise<T>
  /** From now on nothing waits for the rate. */
  hurry(): void
  /** No join will come any more: what waits for one is refused with the reason, or dropped without; a join still lets in. */
  end(reason?: OperatorError): void
  /** Refuses what waits for a join; does nothing once the socket has joined, or while an operator is checked. */
  refuse(reason: OperatorError): void
}

interface Waiting extends Omit<Arrival, 'work'> {
  readonly go: () => void
  readonly leave: () => void
  readonly refuse: (reason: OperatorError) => void
  readonly supersede: () => void
}

/** What need not wait for a first join. */
const BEFORE_JOIN = ['join', 'unknown']

/** Chats of one operator whose typing waits. */
const MOST_TYPING = 100

const isTypingOne = ({ event }: Pick<Arrival, 'event'>): boolean => isTyping(event)

/** @param onRefused called with how many waited for a join in vain, and why */
export const createEventGate = (
  quota: Quota,
  onRefused: (events: number, reason: OperatorError | undefined) => void,
): EventGate => {
  const waiting: Waiting[] = []
  const typing = createTypingTurns(() => schedule(0))
  let isOpen = false
  let isJoining = false
  let isScheduled = false
  let isHurried = false
  let ended: { readonly reason: OperatorError | undefined } | undefined

  const take = (one: Waiting): Waiting => {
    waiting.splice(waiting.indexOf(one), 1)
    quota.release(one.event, one.characters)
    return one
  }

  const next = (): Waiting | undefined => {
    if (isJoining) return undefined
    return isOpen ? waiting[0] : waiting.find(({ event }) => BEFORE_JOIN.includes(event))
  }

  // Typing goes at once before what waits behind it: it delays nothing, and does not come after the message that it led to.
  const isLed = (one: Waiting): boolean => !waiting.every(isTypingOne) && isTypingOne(one)

  // Synchronous up to the first await of each, which keeps their order.
  const letIn = (): void => {
    for (let one = next(); one !== undefined; one = next()) {
      if (!isHurried && !isLed(one)) {
        // It goes on when the other one is through.
        if (isTypingOne(one) && !typing.isFree(one)) return
        if (!quota.takes(one.event)) {
          schedule(quota.waitMs(one.event))
          return
        }
      }
      take(one).go()
    }
  }

  const schedule = (ms: number): void => {
    if (isScheduled) return
    isScheduled = true
    const run = (): void => {
      isScheduled = false
      letIn()
    }
    if (ms === 0) setImmediate(run)
    else setTimeout(run, ms)
  }

  const start = (arrival: Arrival): ReturnType<Arrival['work']> =>
    isTypingOne(arrival) ? typing.run(arrival) : arrival.work()

  /** Makes room for a state of typing: the earlier one of its chat does not matter any more. */
  const supersede = (arrival: Arrival): void => {
    const states = waiting.filter(isTypingOne)
    const earlier = states.find((one) => chatOf(one) === chatOf(arrival))
    const gone = earlier ?? (states.length < MOST_TYPING ? undefined : states[0])
    if (gone !== undefined) take(gone).supersede()
  }

  const hold = (arrival: Arrival): Promise<Reply | undefined> => {
    const { event, to, characters } = arrival
    if (isTypingOne(arrival)) supersede(arrival)
    quota.hold(event, characters, waitsFor(event))
    return new Promise((resolve, reject) => {
      // It begins within the call; what it throws rejects.
      const begin = async (): Promise<Reply | undefined> => start(arrival)
      const go = (): void => resolve(begin())
      const others = { refuse: reject, leave: () => resolve(undefined), supersede: () => resolve({}) }
      waiting.push({ event, to, characters, go, ...others })
      if (isOpen) schedule(quota.waitMs(event))
    })
  }

  /** What is sent now comes after the typing that waits for nothing but its rate. */
  const sendTyping = (): void => {
    if (isOpen && !isJoining && waiting.every(isTypingOne)) for (const one of [...waiting]) take(one).go()
  }

  const refuseAll = (reason: OperatorError | undefined): void => {
    if (waiting.length > 0) onRefused(waiting.length, reason)
    for (const one of [...waiting]) {
      if (reason === undefined) take(one).leave()
      else take(one).refuse(reason)
    }
  }

  const settle = (): void => {
    if (isJoining || !isHurried) return
    if (isOpen) letIn()
    else if (ended !== undefined) refuseAll(ended.reason)
  }

  const waitsFor = (event: string): WaitsFor =>
    isJoining || !(isOpen || BEFORE_JOIN.includes(event)) ? 'join' : 'rate'

  const isBehind = (event: string): boolean => waitsFor(event) === 'join' || (isOpen && waiting.length > 0)

  return {
    pass: (arrival) => {
      const { event } = arrival
      if (!isTypingOne(arrival)) sendTyping()
      if (isBehind(event)) {
        if (ended?.reason !== undefined && !isOpen && !isJoining) throw ended.reason
        return hold(arrival)
      }
      const isFree = !isTypingOne(arrival) || typing.isFree(arrival)
      if (isFree && quota.takes(event)) return start(arrival)
      if (!isOpen || BEFORE_JOIN.includes(event)) throw quota.overRate()
      return hold(arrival)
    },
    waitsFor,
    open: () => {
      isOpen = true
      schedule(0)
    },
    during: (join) => {
      isJoining = true
      const end = (): void => {
        isJoining = false
        settle()
        schedule(0)
      }
      join.then(end, end)
      return join
    },
    hurry: () => {
      isHurried = true
      settle()
    },
    end: (reason) => {
      isHurried = true
      ended = { reason }
      settle()
    },
    refuse: (reason) => {
      if (!isOpen && !isJoining) refuseAll(reason)
    },
  }
}
