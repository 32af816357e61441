import { ExitCode, OperatorError } from '../errors.js'
import { blockageBehind, describeBlockage, endBlockers, type Blockage } from './blockers.js'
import { describeHost, describeTarget, describeUser, type ConnectionTarget } from './connection-target.js'
import {
  ConnectionProblem,
  connectionFailureReason,
  failureReason,
  firstCause,
  isMisconfigured,
  isTlsFailure,
  isTlsRefusal,
} from './connection-failure.js'
import { failedTargetOf } from './errors/failed-target.js'
import { isRecoveryConflict } from './errors/recovery-conflict.js'
import { exitCodeForState, SERVER_STATES, serverStateOf } from './errors/server-states.js'
import { poolerAnswer } from './errors/pooler-error.js'
import { isServerError, SqlState, type ServerError } from './sql-state.js'
import { CANCELLED } from './errors/statement-limit.js'
import { NoHostReached } from './target-client.js'
import { again, shell, sql, toSteps, type Next } from '../next-step.js'
import { escapeIdentifier } from './identifier.js'
import { shellWord } from '../shell-word.js'

interface Explanation {
  readonly code: string
  readonly message: string
  readonly hint?: Next
  readonly exitCode: ExitCode
  readonly retryable?: boolean
  readonly facts?: Readonly<Record<string, unknown>>
}

/**
 * Explains an error of the database or the network. Returns an `OperatorError` unchanged.
 * @returns the error to throw: an `OperatorError` for errors of the server or the network, else the error itself
 */
export const explainDatabaseError = (error: unknown, target: ConnectionTarget): unknown => {
  if (error instanceof OperatorError) return error
  const cause = firstCause(error)
  if (!(cause instanceof Error)) return error
  const explanation = isServerError(cause)
    ? explainServerError(cause, target)
    : explainNetworkError(cause, target, attemptsOf(error, target).length > 0)
  if (explanation === undefined) return error
  const { code, message, ...rest } = explanation
  const detail =
    isServerError(cause) && cause.detail !== undefined ? [`detail: ${cause.detail}`] : attemptsOf(error, target)
  return new OperatorError(code, message, {
    ...rest,
    details: detail,
    cause,
    ...(isServerError(cause) ? { sqlState: cause.code } : {}),
  })
}

// Several hosts have a reason each. The addresses of one have most often the same.
const attemptsOf = (error: unknown, { hosts }: ConnectionTarget): readonly string[] => {
  if (!(error instanceof NoHostReached)) return []
  const reasons = error.attempts.map(({ error: reason }) => failureReason(reason))
  if (hosts.length === 1 && new Set(reasons).size === 1) return []
  return error.attempts.map(
    ({ place }, index) => `${describeHost({ ...place, address: place.at ?? place.address })}: ${reasons[index]}`,
  )
}

/**
 * Explains why a session did not begin. What the server does not accept there is the configuration (`PGOPTIONS`), or that
 * this database takes no sessions.
 */
export const explainConnectionError = (error: unknown, target: ConnectionTarget): unknown => {
  const cause = firstCause(error)
  const isConnect =
    isServerError(cause) && cause.code === SqlState.insufficientPrivilege && target.options === undefined
  const isExplained = !isServerError(cause) || poolerAnswer(cause) !== undefined
  if (isExplained || (SERVER_STATES[cause.code]?.code !== undefined && !isConnect))
    return explainDatabaseError(error, target)
  const isSetting = !isConnect && /^(22|42)/.test(cause.code)
  return new OperatorError(
    isSetting ? 'invalid_connection_setting' : REJECTED,
    isSetting
      ? `the server did not accept a setting of the connection (${cause.message})`
      : `${describeTarget(target)}: the server rejected the connection (${cause.message})`,
    {
      exitCode: isSetting ? ExitCode.usage : ExitCode.unreachable,
      hint: isSetting ? 'correct PGOPTIONS, or options in the URL' : wayIn(cause.code, target),
      sqlState: cause.code,
      // ALLOW_CONNECTIONS false, as while a database is restored.
      retryable: cause.code === SqlState.objectNotInPrerequisiteState,
      cause,
    },
  )
}

/** Why a connection of a pool of ours could not be made, as `explainConnectionError` says it; undefined for all else. */
export const explainFailedConnection = (error: unknown): OperatorError | undefined => {
  if (!(error instanceof Error)) return undefined
  const target = failedTargetOf(error)
  if (target === undefined) return explainFailedConnection(error.cause)
  const explained = explainConnectionError(error, target)
  return explained instanceof OperatorError ? explained : undefined
}

// 42501 is a missing CONNECT, 55000 ALLOW_CONNECTIONS false.
const wayIn = (state: string, { database, user }: ConnectionTarget): Next => {
  if (state === SqlState.insufficientPrivilege)
    return sql(`GRANT CONNECT ON DATABASE ${escapeIdentifier(database)} TO ${escapeIdentifier(user)}`, 'as its owner')
  return state === SqlState.objectNotInPrerequisiteState
    ? sql(`ALTER DATABASE ${escapeIdentifier(database)} ALLOW_CONNECTIONS true`, 'as its owner, in another database')
    : 'an administrator of the server can allow it'
}

/** Explains a statement that somebody cancelled before any time-out. */
export const explainCancel = (error: ServerError): OperatorError =>
  new OperatorError(CANCELLED.bySomebody.code, `${CANCELLED.bySomebody.message} (${error.message})`, {
    exitCode: ExitCode.unreachable,
    hint: ['ask who ended it, and why (pg_cancel_backend)', again()],
    sqlState: error.code,
    retryable: true,
    cause: error,
  })

const REJECTED = 'connection_rejected'

const UNAVAILABLE = ['database_unreachable', 'database_not_ready', 'connection_lost', 'too_many_connections']

/** Whether an explained error means that the server is unavailable for now; false when only another configuration helps. */
export const isDatabaseUnavailable = (error: unknown): error is OperatorError =>
  error instanceof OperatorError &&
  (UNAVAILABLE.includes(error.code) || (error.code === REJECTED && error.retryable)) &&
  !isMisconfigured(firstCause(error.cause))

const explainServerError = (error: ServerError, target: ConnectionTarget): Explanation => {
  const blockage = error.code === SqlState.lockNotAvailable ? blockageBehind(error) : undefined
  if (blockage !== undefined) return explainLock(blockage)
  const pooler = poolerAnswer(error)
  if (pooler !== undefined) return { ...pooler, message: `${pooler.message} (${error.message})` }
  const state = serverStateOf(error)
  if (state === undefined) return withServersHint(error)
  const { code = 'sql_error', sentence, next, exitCode, retryable } = state
  const { message, hint } = {
    message: sentence,
    // The server's own hint after a conflict is to repeat the command, as ours is.
    hint: [...(isRecoveryConflict(error) ? [] : toSteps(error.hint)), ...toSteps(next)],
    ...ON_TARGET[error.code]?.(target),
  }
  return { code, message: `${message} (${error.message})`, hint, exitCode, retryable }
}

const withServersHint = (error: ServerError): Explanation => ({
  code: 'sql_error',
  message: `the database answered: ${error.message}`,
  exitCode: exitCodeForState(error.code),
  ...(error.hint === undefined ? {} : { hint: error.hint }),
})

const explainLock = (blockage: Blockage): Explanation => ({
  code: 'lock_not_available',
  message: `a lock was not free in time: ${describeBlockage(blockage)}`,
  hint: endBlockers(blockage.blockers),
  exitCode: ExitCode.busy,
  retryable: true,
  facts: { blockers: blockage.blockers },
})

/** What is known better of a target than of any server. */
const ON_TARGET: Readonly<
  Record<string, (target: ConnectionTarget) => { readonly message: string; readonly hint?: Next }>
> = {
  [SqlState.invalidPassword]: ({ user, host }) => ({ message: `${host} did not accept the password of ${user}` }),
  [SqlState.invalidAuthorization]: ({ user, host }) => ({ message: `${host} rejected the role ${user}` }),
  [SqlState.invalidCatalogName]: ({ database, host, port, user }) => ({
    message: `there is no database ${JSON.stringify(database)} on ${host}:${port}`,
    hint: shell(`psql -h ${shellWord(host)} -p ${port} -U ${shellWord(user)} -l`, 'list the databases'),
  }),
  [SqlState.insufficientPrivilege]: (target) => ({
    message: `the role ${describeUser(target)} lacks the privilege for this`,
  }),
  [SqlState.readOnlyTransaction]: ({ host }) => ({
    message: `${host} is read-only: it is a standby, or its settings forbid writes`,
  }),
  [SqlState.protocolViolation]: ({ host }) => ({
    message: `${host} rejected the connection with a protocol error, as connection poolers do`,
  }),
}

const explainNetworkError = (
  error: Error,
  target: ConnectionTarget,
  hasSeveralReasons: boolean,
): Explanation | undefined => {
  const reason = connectionFailureReason(error)
  if (reason === undefined) return undefined
  return {
    code: 'database_unreachable',
    message: `cannot reach the database ${describeTarget(target)}: ${hasSeveralReasons ? 'no host can be used' : reason}`,
    hint: networkHint(error, target),
    exitCode: ExitCode.unreachable,
    retryable: true,
  }
}

const networkHint = (error: Error, { host, port }: ConnectionTarget): Next => {
  if (isTlsRefusal(error)) return 'enable TLS on the server (ssl = on); ?sslmode=disable sends everything unencrypted'
  if (isTlsFailure(error))
    return 'check that sslrootcert names the authority of the certificate, and that the certificate is for this host'
  return (
    (error instanceof ConnectionProblem ? PROBLEM_HINTS[error.kind] : undefined) ??
    shell(`pg_isready -h ${shellWord(host)} -p ${port}`, 'check host and port, and that the server runs')
  )
}

const PROBLEM_HINTS: Readonly<Partial<Record<ConnectionProblem['kind'], string>>> = {
  password: 'put it into the URL, ~/.pgpass or, for the command line, PGPASSWORD',
  authentication: 'check pg_hba.conf on the server, require_auth and channel_binding',
  unsuitable: 'name the primary, or a server that target_session_attrs allows',
  other: 'name the database on which the run began, and run it again',
  past: 'stop that server, and make it a standby of the new primary (pg_rewind)',
}
