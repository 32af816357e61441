/** What server and clients agree on for one error code. */
export interface ErrorCodeRules {
  /** Whether to send the same request again. */
  readonly repeat: 'never' | 'later'
  /** Whether the message may be stored although the server answered with this code. */
  readonly mayBeStored: boolean
  /** What has to change before a request succeeds: this request, what its connection may do, or the server. */
  readonly concerns: 'request' | 'connection' | 'server'
  /** What the client reads, unless the error has a text of its own for clients. */
  readonly text: string
}

/**
 * Every error code that a chat server sends, in an acknowledgement, in `refused`, or in Socket.IO's `connect_error`.
 * Server, client and replay take what a code means from here.
 */
export const ERROR_CODES = {
  invalid_payload: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'the payload is invalid',
  },
  invalid_message: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'the message cannot be stored',
  },
  idempotency_conflict: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'the messageId belongs to a message with another content or addressee',
  },
  unknown_conversation: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'unknown conversation: no guest is connected under this name and no message is stored under it',
  },
  conversation_may_be_elsewhere: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'server',
    text: 'unknown conversation, but another server that could not be heard may know it; send this again later',
  },
  invalid_contact: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'name the conversation by exactly one of to, clientId and username',
  },
  invalid_cursor: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'the cursor is not one that the server returned',
  },
  invalid_limit: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'the limit is out of range',
  },
  invalid_message_id: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'upToMessageId is not the id of a message',
  },
  not_joined: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'connection',
    text: 'no join came in time; join, then send this again',
  },
  invalid_token: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'connection',
    text: 'the token is invalid; discard it and join without one',
  },
  unauthorized: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'connection',
    text: 'the operator secret is missing or wrong',
  },
  operators_unchecked: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'server',
    text: 'operators cannot be checked at the moment; join again later',
  },
  forbidden: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'connection',
    text: 'this event is not available to this role',
  },
  rate_limited: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'connection',
    text: 'too many events, bytes, new names or wrong secrets; wait a moment and send this again',
  },
  join_timeout: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'connection',
    text: 'no join in time; connect again and join',
  },
  invalid_packet: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'connection',
    text: 'not a Socket.IO packet, or one with more than ten binary parts',
  },
  unknown_event: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'server',
    text: 'unknown event',
  },
  too_many_pending: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'server',
    text: 'too many requests are waiting for an answer; wait for some of them and send this again',
  },
  too_many_connections: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'server',
    text: 'connection limit reached; connect again later',
  },
  server_closing: {
    repeat: 'later',
    // Sent for new requests, and also for those that the shutdown no longer waits for.
    mayBeStored: true,
    concerns: 'server',
    text: 'the server is shutting down; connect again and send this again',
  },
  database_unavailable: {
    repeat: 'later',
    mayBeStored: true,
    concerns: 'server',
    text: 'the database is unavailable; send this again later',
  },
  lock_not_available: {
    repeat: 'later',
    // An earlier attempt may hold the key.
    mayBeStored: true,
    concerns: 'server',
    text: 'another transaction of the database holds what this needs; send this again later',
  },
  not_replicated: {
    repeat: 'later',
    mayBeStored: true,
    concerns: 'server',
    text: 'no synchronous standby of the database is attached; send this again later',
  },
  store_overloaded: {
    repeat: 'later',
    mayBeStored: false,
    concerns: 'server',
    text: 'too many messages are waiting for the database; send this again later',
  },
  schema_not_ready: {
    // A migration or a rollback is not finished: nothing is wrong with the request.
    repeat: 'later',
    mayBeStored: false,
    concerns: 'server',
    text: 'the database is not ready for guest messages; send this again later',
  },
  database_refused: {
    repeat: 'never',
    mayBeStored: true,
    concerns: 'server',
    text: 'the database refused this; see the server log',
  },
  id_too_large: {
    repeat: 'never',
    mayBeStored: true,
    concerns: 'server',
    text: 'the database gives ids that are too large; see the server log',
  },
  character_not_storable: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: "the message, the guest's name or the conversation has a character that the database cannot store",
  },
  message_not_stored: {
    repeat: 'never',
    mayBeStored: false,
    concerns: 'request',
    text: 'the database accepted the message without an error but did not store it; see the server log',
  },
  internal: {
    repeat: 'never',
    mayBeStored: true,
    concerns: 'request',
    text: 'internal error; see the server log',
  },
} as const satisfies Readonly<Record<string, ErrorCodeRules>>

export type ErrorCode = keyof typeof ERROR_CODES

/** The rules of a code; undefined for a code of a newer server. */
export const rulesOf = (code: string): ErrorCodeRules | undefined => (isErrorCode(code) ? ERROR_CODES[code] : undefined)

/** Whether the code stands in the table. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code)

/** Whether a server that answered with this code may have stored the message; also true of an unknown code. */
export const mayBeStoredAfter = (code: string): boolean => rulesOf(code)?.mayBeStored ?? true
