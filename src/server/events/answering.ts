import type * as z from 'zod'
import type { ChatLog } from '../../chat-log.js'
import type { InFlight } from '../../concurrency/in-flight.js'
import type { OperatorError } from '../../errors.js'
import { serverClosing } from '../../protocol/refusals.js'
import type { Listener } from '../chat-io.js'
import { errorFields } from '../error-fields.js'
import { UNOBSERVED, type ServerObserver } from '../metrics/observer.js'
import type { Quota } from '../protection/quota.js'
import { charactersIn, parsePayload, readArguments } from './event-arguments.js'
import type { JoinGate } from './join-gate.js'
import { isServerFault, outcomeOf, toWireError } from './wire-error.js'

/** What the work of a listener returns. */
export interface Reply {
  /** Fields of the acknowledgement beside `ok`. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** Refuses the event and then runs `afterwards`; a thrown error only refuses it. */
  readonly error?: OperatorError
  /** Runs after the acknowledgement was sent. */
  readonly afterwards?: () => void
}

export interface Answering {
  readonly inFlight: InFlight
  readonly quota: Quota
  readonly session: JoinState
  readonly observer: ServerObserver
  readonly log: ChatLog
}

/** How far the join of a socket is. */
interface JoinState {
  readonly socket: { readonly connected: boolean }
  /** It is about to be disconnected; its events are dropped. */
  readonly isRefused?: boolean
  readonly joinGate: JoinGate
}

/** The events that bring a message, of which every one is accounted for. */
const MESSAGES = ['clientMessage', 'operatorMessage']

/** Turns a piece of work into a listener that checks the payload and acknowledges on every path. */
export type Answer = <Payload>(
  event: string,
  schema: z.ZodType<Payload>,
  work: (payload: Payload) => Reply | Promise<Reply>,
) => Listener

/**
 * Creates the wrapper that every event of a socket goes through. The work starts before the listener returns, which keeps the
 * events of a socket in order. Anything but an `OperatorError` is a bug: the log gets its place in the code, the client
 * only the code `internal`.
 */
export const createAnswer = ({ inFlight, quota, session, observer, log }: Answering): Answer => {
  const attempt = async <Payload>(
    event: string,
    schema: z.ZodType<Payload>,
    payload: unknown,
    work: (payload: Payload) => Reply | Promise<Reply>,
  ): Promise<Outcome | undefined> => {
    if (session.isRefused === true) return undefined
    try {
      if (inFlight.closing) throw serverClosing()
      return await withinQuota(
        quota,
        event,
        () => parsePayload(event, schema, payload),
        (parsed) => afterJoin({ session, quota }, event, parsed, work),
      )
    } catch (error) {
      if (isServerFault(error)) {
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
      const { payload, acknowledge } = readArguments(args)
      const settled = attempt(event, schema, payload, work).then((outcome) => {
        if (outcome === undefined) {
          messages.decided('dropped')
          return
        }
        const { answer, error, afterwards } = outcome
        if (error === undefined) acknowledge({ ...answer, ok: true })
        else {
          const refusal = toWireError(error)
          messages.decided(outcomeOf(error))
          observer.refused(refusal.code)
          acknowledge({ ok: false, error: refusal })
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
        // The message may still be stored; sent again under its messageId it is stored once. Socket.IO drops a second answer.
        () => acknowledge({ ok: false, error: toWireError(serverClosing()) }),
      )
    }
  }
}

type Outcome = Omit<Reply, 'error'> & { readonly error?: unknown }

type Dropped = undefined

// A socket that has left cannot join any more.
const afterJoin = async <Payload>(
  parts: Pick<Answering, 'session' | 'quota'>,
  event: string,
  payload: Payload,
  work: (payload: Payload) => Reply | Promise<Reply>,
): Promise<Dropped | Reply> => {
  const { session, quota } = parts
  if (session.isRefused === true) return undefined
  const opened = session.joinGate.wait(event)
  if (opened === undefined) return work(payload)
  const characters = charactersIn(payload)
  quota.hold(characters)
  await opened
  quota.release(characters)
  return session.socket.connected ? afterJoin(parts, event, payload, work) : undefined
}

// Everything up to the work's first await runs synchronously, which keeps the events of a socket in order.
const withinQuota = async <Payload>(
  quota: Quota,
  event: string,
  read: () => Payload,
  work: (payload: Payload) => Dropped | Reply | Promise<Dropped | Reply>,
): Promise<Dropped | Reply> => {
  quota.enter(event)
  let loaded = 0
  try {
    const payload = read()
    const characters = charactersIn(payload)
    quota.load(characters)
    loaded = characters
    return await work(payload)
  } finally {
    quota.leave(loaded)
  }
}
