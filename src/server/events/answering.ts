import type * as z from 'zod/mini'
import type { ChatLog } from '../../chat-log.js'
import type { InFlight } from '../../concurrency/in-flight.js'
import { OperatorError } from '../../errors.js'
import { serverClosing } from '../../protocol/refusals.js'
import type { Listener } from '../chat-io.js'
import { errorFields } from '../error-fields.js'
import { UNOBSERVED, type ServerObserver } from '../metrics/observer.js'
import { isTyping } from '../protection/event-kind.js'
import type { Quota } from '../protection/quota.js'
import { addresseeIn, charactersIn, parsePayload, readArguments, type EventArguments } from './event-arguments.js'
import type { EventGate } from './event-gate.js'
import type { Reply } from './reply.js'
import type { TellRefusal } from './tell-refusal.js'
import { isServerFault, outcomeOf, toWireError } from './wire-error.js'

export type { Reply } from './reply.js'

export interface Answering {
  readonly inFlight: InFlight
  readonly quota: Quota
  readonly session: JoinState
  readonly observer: ServerObserver
  readonly tellRefusal: TellRefusal
  /** Called with why a join is refused. */
  readonly onJoinRefused: (error: unknown) => void
  readonly log: ChatLog
}

/** How far the join of a socket is. */
interface JoinState {
  readonly socket: object
  /** Why it is about to be disconnected; its events are dropped. */
  readonly refusal?: OperatorError
  readonly gate: EventGate
}

/** The events that bring a message, of which every one is accounted for. */
const MESSAGES = ['clientMessage', 'operatorMessage']

/** Turns a piece of work into a listener that checks the payload and answers on every path. */
export type Answer = <Payload>(
  event: string,
  schema: z.ZodMiniType<Payload>,
  work: (payload: Payload) => Reply | Promise<Reply>,
) => Listener

/**
 * Creates the wrapper that every event of a socket goes through. A refusal is never silent: without an acknowledgement the sender
 * gets it as the event `refused`. The work starts before the listener returns unless it has to wait, which keeps the events of a
 * socket in order. Anything but an `OperatorError` is a bug: the log gets its place in the code, the client only the code `internal`.
 */
export const createAnswer = (parts: Answering): Answer => {
  const { inFlight, session, observer, tellRefusal, log } = parts
  const attempt = async <Payload>(
    event: string,
    schema: z.ZodMiniType<Payload>,
    payload: unknown,
    work: (payload: Payload) => Reply | Promise<Reply>,
  ): Promise<Outcome | undefined> => {
    if (session.refusal !== undefined) return undefined
    try {
      if (inFlight.refusing) throw serverClosing()
      return await withinQuota(
        parts,
        event,
        () => parsePayload(event, schema, payload),
        (parsed, characters) =>
          session.gate.pass({
            ...{ event, characters, to: addresseeIn(parsed) },
            work: () => (session.refusal === undefined ? work(parsed) : undefined),
          }),
      )
    } catch (error) {
      if (isServerFault(error) && !isExpected(event, error, inFlight)) {
        log.error({ event: 'request_failed', request: event, ...errorFields(error) }, 'request failed')
      }
      return { error }
    }
  }

  return (event, schema, work) => {
    const messages = MESSAGES.includes(event) ? observer : UNOBSERVED
    return (...args) => {
      const receivedAt = performance.now()
      messages.received()
      const given = readArguments(args)
      const refuse = refuseOnce(parts, event, given)
      const settled = attempt(event, schema, given.payload, work).then((outcome) => {
        if (outcome === undefined) {
          messages.decided('dropped')
          // Who waits for an acknowledgement learns of it by the end of the connection.
          if (session.refusal !== undefined && given.acknowledge === undefined)
            tellRefusal(event, given.payload, toWireError(session.refusal))
          return
        }
        const { answer, error, afterwards } = outcome
        if (error === undefined) given.acknowledge?.({ ...answer, ok: true })
        else {
          messages.decided(outcomeOf(error))
          refuse(error)
        }
        messages.acknowledged(error === undefined, performance.now() - receivedAt)
        afterwards?.()
      })
      inFlight.add(
        settled
          .catch((error: unknown) => {
            const fields = { event: 'answer_failed', request: event, ...errorFields(error) }
            log.error(fields, 'request failed after its acknowledgement')
          })
          .finally(() => messages.left()),
        // The message may still be stored; sent again under its messageId it is stored once.
        () => refuse(serverClosing()),
        // What waits for a join has its own messages behind it.
        given.acknowledge !== undefined || event === 'join' ? session.socket : undefined,
      )
    }
  }
}

/**
 * Faults of which every one would be a line, and nobody learns more: typing whose chat cannot be looked up at the moment, and requests
 * that were given up when the server stopped, whose number is logged. A bug is never one of them.
 */
const isExpected = (event: string, error: unknown, { refusing }: Pick<InFlight, 'refusing'>): boolean =>
  error instanceof OperatorError && (refusing || (isTyping(event) && error.retryable))

type Outcome = Omit<Reply, 'error'> & { readonly error?: unknown }

/** Socket.IO drops a second acknowledgement; the event that stands for it is not sent twice either. */
const refuseOnce = (
  { observer, tellRefusal, onJoinRefused }: Answering,
  event: string,
  { payload, acknowledge }: EventArguments,
): ((error: unknown) => void) => {
  let isTold = false
  return (error) => {
    const refusal = toWireError(error)
    if (!isTold) observer.refused(refusal.code)
    if (acknowledge !== undefined) acknowledge({ ok: false, error: refusal })
    else if (!isTold) tellRefusal(event, payload, refusal)
    isTold = true
    if (event === 'join') onJoinRefused(error)
  }
}

// Everything up to the work's first await runs synchronously, which keeps the events of a socket in order.
const withinQuota = async <Payload>(
  { quota, session }: Answering,
  event: string,
  read: () => Payload,
  work: (payload: Payload, characters: number) => Reply | undefined | Promise<Reply | undefined>,
): Promise<Reply | undefined> => {
  quota.enter(event, session.gate.waitsFor(event))
  let loaded = 0
  const mistakenAfter = <T>(step: () => T, counts: boolean): T => {
    try {
      return step()
    } catch (error) {
      if (counts) quota.mistaken(event)
      throw error
    }
  }
  try {
    const payload = mistakenAfter(read, true)
    const characters = charactersIn(payload)
    quota.load(event, characters)
    loaded = characters
    return await mistakenAfter(() => work(payload, characters), !isTyping(event))
  } finally {
    quota.leave(event, loaded)
  }
}
