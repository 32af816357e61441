/** Error codes of sockets and name look-ups, in words. */
const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be opened by this user',
  ENOTFOUND: 'there is no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'it did not answer in time',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
}

// node-postgres gives these errors no code. They are its own constant texts, not the server's, so no locale changes them.
const DRIVER_REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /timeout expired|connection timeout|exceeded when trying to connect|Query read timeout/i,
    'it did not answer in time',
  ],
  [/Connection terminated|not queryable|Client was closed/i, 'the connection was lost'],
  [/does not support SSL/i, 'it offers no TLS, but sslmode asks for it'],
  [/client password must be a/i, 'it wants a password and none was given (URL, PGPASSWORD or ~/.pgpass)'],
  [/establishing an SSL connection/i, 'what listens there does not speak the protocol of PostgreSQL'],
]

const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/

/** Since Node 20 a host name with two addresses fails with an AggregateError whose own message is empty. */
export const firstCause = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error

/** Why the connection to the server failed or broke, or undefined when the error is of another kind. */
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

/** Whether the connection failed or broke, so that nobody knows what became of a statement under way. */
export const isConnectionFailure = (error: unknown): boolean => connectionFailureReason(error) !== undefined

/** Whether the server offers no TLS although it was asked for: node-postgres' own constant text again. */
export const isTlsRefusal = (error: unknown): boolean =>
  error instanceof Error && /does not support SSL/i.test(error.message)

/** Whether no later attempt can do better: it is the way in which we connect that does not fit. */
export const isMisconfigured = (error: unknown): boolean =>
  error instanceof Error &&
  (isTlsRefusal(error) ||
    /client password must be a|establishing an SSL connection/i.test(error.message) ||
    ('code' in error && typeof error.code === 'string' && TLS_CODES.test(error.code)))
