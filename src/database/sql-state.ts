/**
 * The SQLSTATE codes that chatkeep handles, under the condition names of PostgreSQL's appendix A.
 * Decisions use these codes, never the text of a message, which depends on `lc_messages`.
 */
export const SqlState = {
  featureNotSupported: '0A000',
  protocolViolation: '08P01',
  readOnlyTransaction: '25006',
  noActiveTransaction: '25P01',
  inFailedTransaction: '25P02',
  idleInTransactionSessionTimeout: '25P03',
  transactionTimeout: '25P04',
  numericValueOutOfRange: '22003',
  invalidParameterValue: '22023',
  characterNotInRepertoire: '22021',
  untranslatableCharacter: '22P05',
  sequenceGeneratorLimitExceeded: '2200H',
  restrictViolation: '23001',
  foreignKeyViolation: '23503',
  notNullViolation: '23502',
  uniqueViolation: '23505',
  exclusionViolation: '23P01',
  checkViolation: '23514',
  invalidSqlStatementName: '26000',
  invalidAuthorization: '28000',
  invalidPassword: '28P01',
  invalidCatalogName: '3D000',
  invalidSchemaName: '3F000',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  insufficientPrivilege: '42501',
  duplicatePreparedStatement: '42P05',
  undefinedFunction: '42883',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  undefinedTable: '42P01',
  invalidColumnReference: '42P10',
  tooManyConnections: '53300',
  objectNotInPrerequisiteState: '55000',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  internalError: 'XX000',
} as const

export type SqlState = (typeof SqlState)[keyof typeof SqlState]

/** The part of node-postgres' `DatabaseError` that chatkeep uses. Recognised by shape: a caller's pool may use another copy of `pg`. */
export interface ServerError extends Error {
  readonly code: string
  readonly severity: string
  readonly detail?: string
  readonly hint?: string
  readonly position?: string
  readonly where?: string
  readonly schema?: string
  readonly routine?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
}

/** Whether the PostgreSQL server reported the error (as opposed to a broken socket or a bug). */
export const isServerError = (error: unknown): error is ServerError =>
  error instanceof Error &&
  'severity' in error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^[0-9A-Z]{5}$/.test(error.code)

/** Whether the server reported one of these SQLSTATEs. */
export const hasSqlState = (error: unknown, ...states: readonly SqlState[]): error is ServerError =>
  isServerError(error) && (states as readonly string[]).includes(error.code)

/**
 * Whether one row blocked a statement for now: another transaction holds the row, or a trigger was cancelled. Such an error
 * has a context (the row, the index entry, the trigger, the statement of the foreign key); an error of a table lock, an
 * advisory lock or the whole statement has none.
 */
export const isBlockedByRow = (error: unknown): boolean =>
  hasSqlState(
    error,
    SqlState.lockNotAvailable,
    SqlState.queryCanceled,
    SqlState.deadlockDetected,
    SqlState.serializationFailure,
  ) && error.where !== undefined
