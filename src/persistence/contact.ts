import { ANYTHING, checkOptions, listOf, OBJECT, shown, type Rules } from '../check-options.js'
import { InvalidCall } from './errors.js'
import { ID_RANGE, isId } from './ids/ids.js'
import { toStorableText } from './content/storable-text.js'
import { toUsername } from './prepare-message.js'

/** Identifies whose messages are meant, by exactly one of these fields, or by `clientId` and `guestUsername` as in a save. */
export interface Contact {
  readonly clientId?: number | undefined
  readonly guestUsername?: string | undefined
  readonly clientSocketId?: string | undefined
  readonly sessionId?: string | undefined
}

const COLUMNS = ['clientId', 'guestUsername', 'clientSocketId', 'sessionId'] as const

/** `toContactFilter` checks them. */
export const CONTACT_RULES: Rules<Contact> = {
  clientId: ANYTHING,
  guestUsername: ANYTHING,
  clientSocketId: ANYTHING,
  sessionId: ANYTHING,
}

/** `toContactFilters` checks them. */
export const CONTACT_QUERY_RULES: Rules<ContactQuery> = { ...CONTACT_RULES, anyOf: listOf(OBJECT) }

/** A query that is missing lacks its contact, which `toContactFilter` says. @throws InvalidCall `invalid_option` */
export const checkContactQuery = <Query extends Contact>(query: Query | undefined, rules: Rules<Query>): void =>
  checkOptions('the query', query ?? {}, rules)

export interface ContactFilter {
  readonly column: (typeof COLUMNS)[number]
  readonly value: number | string
  /** Beside a guest's name: the client who is meant, if there is one of this id. */
  readonly clientId?: number
}

/** Whose messages are meant: one contact's, or those of any of several. */
export interface ContactQuery extends Contact {
  /** The messages of all of these, each once: 1 to 10 contacts, instead of one. */
  readonly anyOf?: readonly Contact[] | undefined
}

const MOST_CONTACTS = 10

/** @throws InvalidCall `invalid_contact` unless it names one contact, or `anyOf` has 1 to 10 */
export const toContactFilters = (query: ContactQuery | undefined): readonly ContactFilter[] => {
  const anyOf = query?.anyOf
  if (anyOf === undefined) return [toFilter(query)]
  if (COLUMNS.some((column) => query?.[column] != null)) throw invalidContact('anyOf excludes a contact beside it')
  if (anyOf.length >= 1 && anyOf.length <= MOST_CONTACTS) return anyOf.map(toListedFilter)
  throw invalidContact(`anyOf has ${anyOf.length} contacts, but must have 1 to ${MOST_CONTACTS}`)
}

const toListedFilter = (contact: Contact): ContactFilter => {
  checkOptions('the contact', contact, CONTACT_RULES)
  return toFilter(contact)
}

const toFilter = (contact: Contact | undefined): ContactFilter => {
  const { clientId, guestUsername, clientSocketId, sessionId } = contact ?? {}
  if (clientId == null || guestUsername == null || (clientSocketId ?? sessionId) != null)
    return toContactFilter(contact)
  return { ...toContactFilter({ guestUsername }), clientId: Number(toContactFilter({ clientId }).value) }
}

/**
 * Turns a contact into a column and the stored form of its value. A guest's name selects the messages written under that
 * name, linked to a client or not; `findSources` adds those of a client that was made of the guest.
 * @throws InvalidCall `invalid_contact` unless exactly one valid identifier is given: an id that is undefined by mistake
 *   must not look like a contact without messages
 */
export const toContactFilter = (contact: Contact | undefined): ContactFilter => {
  const given = COLUMNS.filter((column) => contact?.[column] != null)
  const [column] = given
  if (column === undefined || given.length > 1) {
    throw invalidContact(
      `name exactly one of ${COLUMNS.join(', ')}, or clientId with guestUsername (given: ${given.join(', ') || 'none'})`,
    )
  }
  const value: unknown = contact?.[column]
  if (column === 'clientId') {
    if (isId(value)) return { column, value }
    throw invalidContact(`clientId ${shown(value)}, but ${ID_RANGE}`)
  }
  const stored = typeof value !== 'string' ? '' : column === 'guestUsername' ? toUsername(value) : toStorableText(value)
  if (stored === '') throw invalidContact(`${column} is ${typeof value === 'string' ? 'empty' : 'not a string'}`)
  return { column, value: stored }
}

/**
 * SQL for the column of a filter, to be compared with a text or an id. As text, so that the server has an operator that fits
 * exactly where the application made the column a varchar: one that somebody created in the search path cannot fit better.
 */
export const comparable = (column: ContactFilter['column']): string =>
  column === 'clientId' ? `"${column}"` : `"${column}"::text`

/** SQL for the messages of a filter, whose value is a parameter. A bigint, because an id can be larger than its column holds. */
export const isOfContact = (column: ContactFilter['column'], parameter = '$1'): string =>
  `${comparable(column)} = ${parameter}${column === 'clientId' ? '::bigint' : ''}`

const invalidContact = (message: string): InvalidCall => new InvalidCall('invalid_contact', message)

/** Most rows of a page. */
const MAX_LIMIT = 200

/** @throws InvalidCall `invalid_limit` unless it is a whole number from 1 to 200 */
export const checkLimit = (limit: number): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new InvalidCall('invalid_limit', `limit ${shown(limit)}, but must be a whole number from 1 to ${MAX_LIMIT}`)
}

/**
 * Rows to read to fill a page and know whether there are more. The limit is part of the statement, so that the planner
 * knows it; there are only a few steps, because a connection keeps the plan of each statement.
 */
export const rowsToRead = (limit: number): number => (LIMIT_STEPS.find((step) => step >= limit) ?? MAX_LIMIT) + 1

const LIMIT_STEPS: readonly number[] = [20, 50, 100, MAX_LIMIT]
