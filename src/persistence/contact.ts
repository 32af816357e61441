import { ExitCode, OperatorError } from '../errors.js'
import { toUsername } from './prepare-message.js'

/** Whose messages are meant: exactly one of these. */
export interface Contact {
  readonly clientId?: number | undefined
  readonly guestUsername?: string | undefined
  readonly clientSocketId?: string | undefined
  readonly sessionId?: string | undefined
}

export interface ContactFilter {
  readonly column: 'clientId' | 'guestUsername' | 'clientSocketId' | 'sessionId'
  readonly value: number | string
}

/**
 * Turns a contact into one column and its value.
 * A guest's name selects what was written under that name, linked to a client or not; it never opens the rest of that client's history.
 * @throws OperatorError `invalid_contact` unless exactly one identifier is given
 */
export const toContactFilter = (contact: Contact): ContactFilter => {
  const given = (['clientId', 'guestUsername', 'clientSocketId', 'sessionId'] as const).filter(
    (column) => contact[column] !== undefined,
  )
  const column = given[0]
  const value = column === undefined ? undefined : contact[column]
  if (column === undefined || value === undefined || given.length > 1) {
    throw new OperatorError(
      'invalid_contact',
      `name exactly one of clientId, guestUsername, clientSocketId and sessionId (given: ${given.join(', ') || 'none'})`,
      { exitCode: ExitCode.no },
    )
  }
  return { column, value: column === 'guestUsername' ? toUsername(String(value)) : value }
}

/** The most rows a page may have. */
const MAX_LIMIT = 200

/** @throws OperatorError `invalid_limit` unless it is a whole number from 1 to 200 */
export const checkLimit = (limit: number): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new OperatorError('invalid_limit', `limit is ${limit}, but must be a whole number from 1 to ${MAX_LIMIT}`, {
    exitCode: ExitCode.no,
  })
}
