import { blockageBehind, describeBlockage } from '../database/blockers.js'
import { connectionRefusal } from '../database/connection-failure.js'
import { isServerError, SqlState, type ServerError } from '../database/sql-state.js'
import { OperatorError } from '../errors.js'
import type { LogFields } from '../chat-log.js'

/**
 * The fields of an error that may be logged. The texts of the database and of bugs are left out: both may contain chat messages
 * (`detail` repeats a row, a trigger raises any text, a SyntaxError shows its input). The fields left identify the place.
 */
export const errorFields = (error: unknown): Omit<LogFields, 'event'> => {
  const answer = serverErrorIn(error)
  if (error instanceof OperatorError) {
    const reason = answer === undefined ? error.message : (lockHolder(answer) ?? connectionRefusal(error))
    return { code: error.code, ...(reason && { reason }), ...(answer && serverFields(answer)) }
  }
  if (answer !== undefined) return serverFields(answer)
  if (!(error instanceof Error)) return { error: typeof error }
  return { error: error.name, stack: framesOf(error) }
}

/** Of a lock that was not free: the session that holds it, without its query. */
const lockHolder = (answer: ServerError): string | undefined => {
  const blockage = blockageBehind(answer)
  return blockage && describeBlockage(blockage)
}

const serverErrorIn = (error: unknown): ServerError | undefined => {
  let current = error
  while (current instanceof Error) {
    if (isServerError(current)) return current
    current = current.cause
  }
  return undefined
}

const serverFields = ({ code, table, column, constraint }: ServerError): Omit<LogFields, 'event'> => ({
  sqlState: code,
  condition: Object.entries(SqlState).find(([, state]) => state === code)?.[0],
  table,
  column,
  constraint,
})

const framesOf = ({ stack = '' }: Error): string =>
  (stack.match(/^ +at .*$/gm) ?? []).map((line) => line.trim()).join('\n')
