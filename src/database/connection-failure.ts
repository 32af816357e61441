/**
 * `unsuitable`: another server may be. `past`: it is no longer the primary. `other`: it has another database than was meant.
 * `password`: the server wants one, and none is known. `refused`: a pool's new connection; the server's answer is the cause.
 */
type ProblemKind =
  | 'network'
  | 'closed'
  | 'protocol'
  | 'tls'
  | 'authentication'
  | 'password'
  | 'unsuitable'
  | 'past'
  | 'other'
  | 'refused'

/** What a connection was waiting for: the address of a name, a connection, the server's first answer, or a handshake. */
type Wait = 'name' | 'tcp' | 'answer' | 'tls'

/** Why a connection failed, when it is neither the server's answer nor an error of the network. */
export class ConnectionProblem extends Error {
  override readonly name = 'ConnectionProblem'

  constructor(
    reason: string,
    readonly kind: ProblemKind,
    cause?: unknown,
    readonly wait?: Wait,
  ) {
    super(reason, { cause })
  }
}

export const NO_TLS = 'it offers no TLS, but sslmode asks for it'
export const NO_PASSWORD = 'it requires a password, and none was given (URL, PGPASSWORD or ~/.pgpass)'
export const NOT_POSTGRES = 'it is not a PostgreSQL server'

/** Why a connection failed that may still be there. */
export const NO_ANSWER = 'it did not answer in time'

/** Error codes of sockets and name look-ups, as text. */
const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'no such socket',
  EACCES: 'this user has no permission to open the socket',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: NO_ANSWER,
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
}

// These errors of node-postgres have no code. Their texts are constants of the driver, independent of any locale.
const DRIVER_REASONS: readonly (readonly [RegExp, string])[] = [
  [/timeout expired|connection timeout|exceeded when trying to connect|Query read timeout/i, NO_ANSWER],
  [/Connection terminated|not queryable|Client was closed/i, 'the connection was lost'],
  [/does not support SSL/i, NO_TLS],
  [/client password must be a/i, NO_PASSWORD],
  [/establishing an SSL connection/i, NOT_POSTGRES],
]

const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|CRL_|DEPTH_|SELF_SIGNED|UNABLE_TO|EPROTO)/

/** Since Node 20, a host name with two addresses fails with an AggregateError that has an empty message. */
export const firstCause = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error

/** Why the connection failed or broke; undefined for other errors. */
export const connectionFailureReason = (error: unknown): string | undefined => {
  // Only attempts to connect end with several errors; one of them can be the server's answer, that it is starting or stopping.
  if (error instanceof AggregateError) {
    const errors: readonly unknown[] = error.errors
    return errors.map(connectionFailureReason).find((reason) => reason !== undefined) ?? messageOf(errors[0])
  }
  if (!(error instanceof Error)) return undefined
  if (error instanceof ConnectionProblem) return error.message
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined) return DRIVER_REASONS.find(([pattern]) => pattern.test(error.message))?.[1]
  return NETWORK_REASONS[code] ?? (TLS_CODES.test(code) ? `TLS failed: ${error.message}` : undefined)
}

/** Why the database could not be used, in a few words. */
export const failureReason = (error: unknown): string =>
  wasGivenUp(error) ? NO_ANSWER : (connectionFailureReason(error) ?? messageOf(error))

const givenUp = new WeakSet<object>()

/** Notes an error that came of our own cancel: the server says only that somebody has cancelled the statement. */
export const noteGivenUp = (error: unknown): void => {
  if (error instanceof Error) givenUp.add(error)
}

/** Whether the error came after the statement's time was up. */
export const wasGivenUp = (error: unknown): boolean => error instanceof Error && givenUp.has(error)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What the server answered to a connection of a pool that it refused, in its words: no statement was sent, so no message is in them. */
export const connectionRefusal = (error: unknown): string | undefined => {
  if (error instanceof ConnectionProblem && error.kind === 'refused') return error.message
  return error instanceof Error ? connectionRefusal(error.cause) : undefined
}

/** Whether the connection failed or broke; the outcome of a running statement is then unknown. */
export const isConnectionFailure = (error: unknown): boolean => connectionFailureReason(error) !== undefined

/** Whether the connection is gone, and not only silent. */
export const isConnectionLost = (error: unknown): boolean =>
  isConnectionFailure(error) && connectionFailureReason(error) !== NO_ANSWER

/** Whether the server does not support TLS, which was required. */
export const isTlsRefusal = (error: unknown): boolean =>
  error instanceof Error && (error.message === NO_TLS || /does not support SSL/i.test(error.message))

/** Whether a retry cannot succeed: the connection settings do not fit the server. */
export const isMisconfigured = (error: unknown): boolean =>
  error instanceof Error &&
  (isTlsRefusal(error) ||
    (error instanceof ConnectionProblem && ['protocol', 'authentication', 'password'].includes(error.kind)) ||
    /client password must be a|establishing an SSL connection/i.test(error.message) ||
    isTlsFailure(error))

/** Whether the server's certificate or the TLS settings were refused. */
export const isTlsFailure = (error: unknown): boolean =>
  error instanceof ConnectionProblem
    ? error.kind === 'tls'
    : error instanceof Error && 'code' in error && typeof error.code === 'string' && TLS_CODES.test(error.code)

/** Whether nothing suitable answered at an address, so that another host may be tried. */
export const isUnreachable = (error: unknown): boolean => {
  if (error instanceof ConnectionProblem) return ['network', 'unsuitable', 'past', 'other'].includes(error.kind)
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string')
    return error.code in NETWORK_REASONS && !['ECONNRESET', 'EPIPE'].includes(error.code)
  return error.message.includes('timeout expired')
}
