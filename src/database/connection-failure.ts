/** Error codes of sockets and name look-ups, as text. */
const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'no such socket',
  EACCES: 'this user has no permission to open the socket',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'it did not answer in time',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
}

// These errors of node-postgres have no code. Their texts are constants of the driver, independent of any locale.
const DRIVER_REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /timeout expired|connection timeout|exceeded when trying to connect|Query read timeout/i,
    'it did not answer in time',
  ],
  [/Connection terminated|not queryable|Client was closed/i, 'the connection was lost'],
  [/does not support SSL/i, 'it offers no TLS, but sslmode asks for it'],
  [/client password must be a/i, 'it requires a password, and none was given (URL, PGPASSWORD or ~/.pgpass)'],
  [/establishing an SSL connection/i, 'it is not a PostgreSQL server'],
]

const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/

/** Since Node 20, a host name with two addresses fails with an AggregateError that has an empty message. */
export const firstCause = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error

/** Why the connection failed or broke; undefined for other errors. */
export const connectionFailureReason = (error: unknown): string | undefined => {
  const cause = firstCause(error)
  if (!(cause instanceof Error)) return undefined
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
  if (code === undefined) return DRIVER_REASONS.find(([pattern]) => pattern.test(cause.message))?.[1]
  return NETWORK_REASONS[code] ?? (TLS_CODES.test(code) ? `TLS failed: ${cause.message}` : undefined)
}

/** Why the database could not be used, in a few words. */
export const failureReason = (error: unknown): string =>
  connectionFailureReason(error) ?? (error instanceof Error ? error.message : String(error))

/** Whether the connection failed or broke; the outcome of a running statement is then unknown. */
export const isConnectionFailure = (error: unknown): boolean => connectionFailureReason(error) !== undefined

/** Whether the server does not support TLS, which was required: a constant text of node-postgres. */
export const isTlsRefusal = (error: unknown): boolean =>
  error instanceof Error && /does not support SSL/i.test(error.message)

/** Whether a retry cannot succeed: the connection settings do not fit the server. */
export const isMisconfigured = (error: unknown): boolean =>
  error instanceof Error &&
  (isTlsRefusal(error) ||
    /client password must be a|establishing an SSL connection/i.test(error.message) ||
    isTlsFailure(error))

/** Whether the server's certificate or the TLS settings were refused. */
export const isTlsFailure = (error: Error): boolean =>
  'code' in error && typeof error.code === 'string' && TLS_CODES.test(error.code)
