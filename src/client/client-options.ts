import {
  ANYTHING,
  either,
  checkOptions,
  checkValue,
  FILLED_TEXT,
  FUNCTION,
  milliseconds,
  OBJECT,
  oneOf,
  TEXT,
  wholeNumber,
  type Rule,
  type Rules,
} from '../check-options.js'
import type { AttemptOutcome } from './chat-peer.js'
import type { OutgoingChatMessage } from './outbox.js'

export interface ChatClientOptions {
  /** The URL that `chatkeep serve` prints, e.g. `http://127.0.0.1:3001/chat`. */
  readonly url: string
  readonly join: GuestIdentity | OperatorIdentity
  /** Time until an unanswered message is sent again, in ms, and 20 s more for each MiB of it; 10,000 when absent. */
  readonly answerTimeoutMs?: number | undefined
  /** Time until the promise of a message rejects, in ms, without the time that a large one is on its way; unlimited when absent. */
  readonly patienceMs?: number | undefined
  /** Called for every attempt to send a message, at its start and at its end. */
  readonly onAttempt?: ((attempt: ChatAttempt) => void) | undefined
}

export interface GuestIdentity {
  readonly role: 'client'
  readonly username: string
  readonly phone?: string | null | undefined
  /** The token of an earlier visit, which continues its conversation. */
  readonly token?: string | undefined
}

export interface OperatorIdentity {
  readonly role: 'operator'
  readonly name: string
  readonly operatorId?: number | null | undefined
  /** The server's operator secret. */
  readonly token: string
}

/** One step of an attempt: `sent`, then one of the other outcomes. */
export interface ChatAttempt {
  readonly messageId: string
  /** Counts from 1. */
  readonly attempt: number
  readonly outcome: AttemptOutcome
  /** The server's error code when it refused. */
  readonly code?: string | undefined
}

const RULES: Rules<ChatClientOptions> = {
  url: TEXT,
  join: OBJECT,
  answerTimeoutMs: milliseconds(1),
  patienceMs: either(milliseconds(0), oneOf(Infinity)),
  onAttempt: FUNCTION,
}

const NULL = oneOf(null)

const GUEST: Rules<GuestIdentity> = { role: ANYTHING, username: TEXT, phone: either(TEXT, NULL), token: TEXT }

const OPERATOR: Rules<OperatorIdentity> = {
  role: ANYTHING,
  name: TEXT,
  operatorId: either(wholeNumber(Number.MIN_SAFE_INTEGER), NULL),
  token: TEXT,
}

/** @throws InvalidCall `invalid_option` */
export const checkClientOptions = (options: unknown): void => {
  checkOptions('the first argument', options, RULES)
  const { url, join } = options as Partial<ChatClientOptions>
  checkValue('url', url, FILLED_TEXT)
  checkValue('join', join, OBJECT)
  checkValue('join.role', join?.role, oneOf('client', 'operator'))
  if (join?.role === 'client') checkOptions('join', join, GUEST)
  else checkOptions('join', join, OPERATOR)
}

/** The server checks the values. What cannot be sent would end the connection, or be left out. */
const SENT: Rule = {
  must: 'a value that JSON has',
  fits: (value) => {
    if (typeof value === 'string') return true
    try {
      // Of a function or a symbol it is undefined, whatever its type says.
      return typeof (JSON.stringify(value) as unknown) === 'string'
    } catch {
      return false
    }
  },
}

const MESSAGE: Rules<OutgoingChatMessage> = {
  type: SENT,
  message: SENT,
  image: SENT,
  name: SENT,
  mimeType: SENT,
  size: SENT,
  to: SENT,
  messageId: SENT,
}

/** @throws InvalidCall `invalid_option` */
export const checkOutgoing = (message: unknown): void => checkOptions('the message', message, MESSAGE)

/** These are events of the library itself: it sends none of these names, and says so only by an error that looks like no answer. */
const RESERVED = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']

const SENDABLE: Rule = {
  must: 'a name that Socket.IO does not reserve',
  fits: (value) => !RESERVED.includes(String(value)),
  shows: 'value',
}

/** @throws InvalidCall `invalid_option` */
export const checkRequest = (event: unknown, payload: unknown): void => {
  checkValue('event', event, FILLED_TEXT)
  checkValue('event', event, SENDABLE)
  checkValue('payload', payload, OBJECT)
  checkValue('payload', payload, SENT)
}

/** @throws InvalidCall `invalid_option` */
export const checkListener = (event: unknown, listener: unknown): void => {
  checkValue('event', event, FILLED_TEXT)
  checkValue('listener', listener, FUNCTION)
}
