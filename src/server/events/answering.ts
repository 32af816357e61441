import type * as z from 'zod'
import { OperatorError } from '../../errors.js'
import {
  DatabaseRefused,
  MessageNotStored,
  SchemaNotReady,
  StoreClosed,
  StoreOverloaded,
  StoreUnavailable,
} from '../../persistence/errors.js'
import type { ChatLog } from '../../chat-log.js'
import type { Listener } from '../chat-io.js'
import type { InFlight } from '../../concurrency/in-flight.js'
import { errorFields } from '../error-fields.js'
import type { Acknowledgement, WireError } from '../../protocol/acknowledgement.js'
import type { Quota } from '../protection/quota.js'
import { invalidPayload, serverClosing } from '../../protocol/refusals.js'

/** What a listener gives back. */
export interface Reply {
  /** Fields of the acknowledgement beside `ok`. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** Refuses instead; thrown errors do the same, but leave nothing to do afterwards. */
  readonly error?: OperatorError
  /** Runs when the acknowledgement is on its way. */
  readonly afterwards?: () => void
}

export interface Answering {
  readonly inFlight: InFlight
  readonly quota: Quota
  readonly log: ChatLog
}

/** Wraps a piece of work into a listener that checks the payload and acknowledges on every path. */
export type Answer = <Payload>(
  event: string,
  schema: z.ZodType<Payload>,
  work: (payload: Payload) => Reply | Promise<Reply>,
) => Listener

/**
 * Makes the one wrapper that every event of a socket goes through. The work starts before the listener returns, so that events are taken in
 * the order in which they came. What is no `OperatorError` is a bug: it is logged with its place, and the client learns only that.
 */
export const createAnswer = ({ inFlight, quota, log }: Answering): Answer => {
  const attempt = async <Payload>(
    event: string,
    schema: z.ZodType<Payload>,
    given: unknown,
    work: (payload: Payload) => Reply | Promise<Reply>,
  ): Promise<Reply> => {
    try {
      if (inFlight.closing) throw serverClosing()
      return await throughQuota(quota, () => parse(event, schema, given), work)
    } catch (error) {
      if (isForTheLog(error)) {
        log.error({ event: 'request_failed', request: event, ...errorFields(error) }, 'a request failed')
      }
      return { error: error instanceof OperatorError ? error : internal(error) }
    }
  }

  return (event, schema, work) =>
    (...args) => {
      const { payload, acknowledge } = readArguments(args)
      const settled = attempt(event, schema, payload, work).then(({ answer, error, afterwards }) => {
        acknowledge(error === undefined ? { ...answer, ok: true } : { ok: false, error: toWireError(error) })
        afterwards?.()
      })
      inFlight.add(
        settled.catch((error: unknown) => {
          const fields = { event: 'answer_failed', request: event, ...errorFields(error) }
          log.error(fields, 'a request failed after its work')
        }),
        // What becomes of the message nobody knows by now; repeated under its key it is stored once. A second answer is not sent.
        () => acknowledge({ ok: false, error: toWireError(serverClosing()) }),
      )
    }
}

// All of it happens in one go until the work waits for something, so that events are taken in the order in which they came.
const throughQuota = async <Payload>(
  quota: Quota,
  read: () => Payload,
  work: (payload: Payload) => Reply | Promise<Reply>,
): Promise<Reply> => {
  quota.enter()
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

// Parsed payloads are flat, and nothing is left in them that is not known.
const charactersIn = (payload: unknown): number =>
  typeof payload === 'object' && payload !== null
    ? Object.values(payload).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
    : 0

type Acknowledge = (acknowledgement: Acknowledgement) => void

// Clients send (payload), (payload, callback), (callback) or nothing; `undefined` crosses the wire as null.
const readArguments = (args: readonly unknown[]): { readonly payload: unknown; readonly acknowledge: Acknowledge } => {
  const last = args.at(-1)
  // Socket.IO puts a function of its own in the last place when, and only when, the client asked for an acknowledgement.
  const acknowledge = typeof last === 'function' ? (last as Acknowledge) : () => undefined
  const first = typeof args[0] === 'function' ? undefined : args[0]
  return { payload: first ?? {}, acknowledge }
}

const parse = <Payload>(event: string, schema: z.ZodType<Payload>, payload: unknown): Payload => {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  throw invalidPayload(
    event,
    parsed.error.issues.map(({ path, message }) => [...path, message].join(' ')),
  )
}

/** What a client may know of an error. */
export const toWireError = (error: OperatorError): WireError => {
  const { code, message, retryable } = error
  // What the database says is for the log: it may tell where it is, and what others wrote.
  const words = isOfStore(error) ? WORDS_FOR_CLIENTS[code] : undefined
  return words ?? { code, message, retryable }
}

const AWAY: WireError = {
  code: 'database_unavailable',
  message: 'the database cannot be used right now; repeat this later',
  retryable: true,
}

const WORDS_FOR_CLIENTS: Readonly<Record<string, WireError>> = {
  database_unavailable: AWAY,
  // A server whose store is closed is about to go; for its clients that is the same as a database that is away.
  store_closed: AWAY,
  // Somebody undoes the update, or has not finished it: what the client sends is right.
  schema_not_ready: {
    code: 'schema_not_ready',
    message: 'the database is not ready for guest messages; repeat this later',
    retryable: true,
  },
  database_refused: {
    code: 'database_refused',
    message: 'the database refused this; the log of the server says why',
    retryable: false,
  },
}

const internal = (cause: unknown): OperatorError =>
  new OperatorError('internal', 'the server failed to handle this; its log says why', { cause })

const OF_STORE = [StoreUnavailable, StoreOverloaded, StoreClosed, SchemaNotReady, DatabaseRefused, MessageNotStored]
const isOfStore = (error: unknown): boolean => OF_STORE.some((kind) => error instanceof kind)

/** The client's mistakes are its own business; what is wrong with us or the database belongs into the log. */
const isForTheLog = (error: unknown): boolean => !(error instanceof OperatorError) || isOfStore(error)
