import type * as z from 'zod'
import { OperatorError } from '../errors.js'
import {
  DatabaseRefused,
  MessageNotStored,
  SchemaNotReady,
  StoreClosed,
  StoreOverloaded,
  StoreUnavailable,
} from '../persistence/errors.js'
import type { ChatLog } from './chat-log.js'
import type { Drain } from './drain.js'
import { errorFields } from './error-fields.js'
import { invalidPayload, serverClosing } from './refusals.js'

/** What a listener gives back. */
export interface Reply {
  /** Fields of the acknowledgement beside `ok`. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** Refuses instead; thrown errors do the same, but leave nothing to do afterwards. */
  readonly error?: OperatorError
  /** Runs when the acknowledgement is on its way. */
  readonly afterwards?: () => void
}

/** An acknowledgement as it goes over the socket. */
export type Acknowledgement =
  { readonly ok: true; readonly [field: string]: unknown } | { readonly ok: false; readonly error: WireError }

interface WireError {
  readonly code: string
  readonly message: string
  /** The same event may succeed later as it is. */
  readonly retryable: boolean
}

/** What Socket.IO calls with whatever a client sent. */
export type Listener = (...args: readonly unknown[]) => void

/** Wraps a piece of work into a listener that checks the payload and acknowledges on every path. */
export type Answer = <Payload>(
  event: string,
  schema: z.ZodType<Payload>,
  work: (payload: Payload) => Reply | Promise<Reply>,
) => Listener

/**
 * Makes the one wrapper that every event goes through. The work starts before the listener returns, so that events are taken in
 * the order in which they came. What is no `OperatorError` is a bug: it is logged with its place, and the client learns only that.
 */
export const createAnswer = (drain: Drain, log: ChatLog): Answer => {
  const settle = async (event: string, work: () => Reply | Promise<Reply>, acknowledge: Acknowledge): Promise<void> => {
    const { answer, error, afterwards } = await attempt(event, work)
    acknowledge(error === undefined ? { ...answer, ok: true } : { ok: false, error: toWireError(error) })
    afterwards?.()
  }

  const attempt = async (event: string, work: () => Reply | Promise<Reply>): Promise<Reply> => {
    try {
      if (drain.closing) throw serverClosing()
      return await work()
    } catch (error) {
      if (isForTheLog(error))
        log.error({ event: 'request_failed', request: event, ...errorFields(error) }, 'a request failed')
      return { error: error instanceof OperatorError ? error : internal(error) }
    }
  }

  return (event, schema, work) =>
    (...args) => {
      const { payload, acknowledge } = readArguments(args)
      const settled = settle(event, () => work(parse(event, schema, payload)), acknowledge)
      drain.track(
        settled.catch((error: unknown) =>
          log.error(
            { event: 'answer_failed', request: event, ...errorFields(error) },
            'a request failed after its work',
          ),
        ),
      )
    }
}

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

const toWireError = (error: OperatorError): WireError => {
  // A server whose store is closed is about to go; for its clients that is the same as a database that is away.
  if (error instanceof StoreClosed) return { code: 'database_unavailable', message: error.message, retryable: true }
  const { code, message, retryable } = error
  return { code, message, retryable }
}

const internal = (cause: unknown): OperatorError =>
  new OperatorError('internal', 'the server failed to handle this; its log says why', { cause })

const OURS = [StoreUnavailable, StoreOverloaded, StoreClosed, SchemaNotReady, DatabaseRefused, MessageNotStored]

/** The client's mistakes are its own business; what is wrong with us or the database belongs into the log. */
const isForTheLog = (error: unknown): boolean =>
  !(error instanceof OperatorError) || OURS.some((kind) => error instanceof kind)
