import { ConnectionProblem, firstCause, isTlsFailure } from './connection-failure.js'
import { poolerAnswer } from './errors/pooler-error.js'
import { isServerError, SqlState, type ServerError } from './sql-state.js'

/** The stages of a connection, in their order. */
export const STAGES = ['name', 'tcp', 'answer', 'tls', 'authentication', 'database', 'session'] as const

/** `pooler`: a pooler refused what the server was not asked. */
export type Stage = (typeof STAGES)[number] | 'pooler'

/** At which stage a connection failed. @param error of the driver, the network or the server */
export const stageOf = (error: unknown): Stage => {
  const cause = firstCause(error)
  if (cause instanceof ConnectionProblem) return cause.wait ?? PROBLEMS[cause.kind]
  if (isServerError(cause)) return stageOfAnswer(cause)
  if (isTlsFailure(cause)) return 'tls'
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  if (code !== undefined) return NETWORK_STAGES[code] ?? 'tcp'
  return cause instanceof Error && /client password must be a/i.test(cause.message) ? 'authentication' : 'answer'
}

const PROBLEMS: Readonly<Record<ConnectionProblem['kind'], Stage>> = {
  network: 'tcp',
  closed: 'answer',
  protocol: 'answer',
  tls: 'tls',
  authentication: 'authentication',
  password: 'authentication',
  unsuitable: 'session',
  past: 'session',
  other: 'session',
  refused: 'session',
}

/** Of the codes of sockets and name look-ups, those that are not about the connection itself. */
const NETWORK_STAGES: Readonly<Record<string, Stage>> = {
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  ECONNRESET: 'answer',
  EPIPE: 'answer',
}

const stageOfAnswer = (answer: ServerError): Stage => {
  if (poolerAnswer(answer) !== undefined || answer.code === SqlState.protocolViolation) return 'pooler'
  if (answer.code.startsWith('28')) return 'authentication'
  return DATABASE_STATES.includes(answer.code) ? 'database' : 'session'
}

/** No such database; no CONNECT on it; ALLOW_CONNECTIONS false. */
const DATABASE_STATES: readonly string[] = [
  SqlState.invalidCatalogName,
  SqlState.insufficientPrivilege,
  SqlState.objectNotInPrerequisiteState,
]
