import type { Queryable } from '../../database/connection.js'
import { checkOptions, shown, type Rule, type Rules } from '../../check-options.js'
import { qualified } from '../../database/identifier.js'
import { InvalidCall } from '../errors.js'
import { ID_RANGE, isId } from '../ids/ids.js'
import { CHANGED_MESSAGES, ownNamesFor, ownSchema } from '../own-names.js'
import { toStorablePhone, toUsername } from '../prepare-message.js'
import type { Selection } from './delete-messages.js'
import { formerHolders, formerNamesOf, readOtherClients } from './former-names.js'
import { guestsWithPhone, isGuestClient } from './guest-names.js'
import { idsOf } from './ids-of.js'
import type { ErasureTables } from './tables.js'
import { readWaitingIds, type WaitingIds } from './waiting-ids.js'

/** Who is meant: by ids of clients, by exact names, by phones. Several of them are one person. */
export interface Person {
  readonly clientIds?: readonly number[] | undefined
  /** Clients of exactly these names, those who had one that nobody has now, and what guests wrote under them. */
  readonly usernames?: readonly string[] | undefined
  /** Clients with these phones, clients made of guests who gave them, and the messages that have them. */
  readonly phones?: readonly string[] | undefined
}

/** A client who is the person, or part of it. */
export interface PersonClient {
  /** As text: an id can be larger than a number holds. */
  readonly id: string
  readonly username: string
  readonly phone: string | null
  /** Whether the client was made of a guest. */
  readonly isGuest: boolean
  /** Whether only a merge makes it part of the person: the two share one chat. */
  readonly isMerged: boolean
  /** Whether a former name makes it part of the person: what is written under that is theirs. */
  readonly isRenamed: boolean
}

type FoundClient = Omit<PersonClient, 'isMerged' | 'isRenamed'>

/** What is known of a person. */
export interface FoundPerson {
  readonly clients: readonly PersonClient[]
  /** Their ids, and those that were named or merged into them. */
  readonly clientIds: readonly string[]
  /** Guests' names: messages under one are meant, except those of `otherClients`. */
  readonly names: readonly string[]
  /** Clients who are somebody else, although they had one of these names, or have messages that were written under one. */
  readonly otherClients: readonly string[]
  /** Names of the clients: of messages under one, only those without client are meant. */
  readonly clientNames: readonly string[]
  readonly phones: readonly string[]
  readonly waiting: WaitingIds
  /** Keys of messages of the person that were edited. */
  readonly changed: readonly string[]
}

const LIST: Rule = { must: 'a list', fits: (value) => Array.isArray(value) }
const RULES: Rules<Person> = { clientIds: LIST, usernames: LIST, phones: LIST }

/** @throws InvalidCall `invalid_option` for another field; `invalid_contact` unless somebody is named: an id that is undefined by mistake must not look like nobody */
export const checkPerson = (
  person: Person | undefined,
): { readonly [Field in keyof Person]-?: NonNullable<Person[Field]> } => {
  checkOptions('the person', person ?? {}, RULES)
  const { clientIds = [], usernames = [], phones = [] } = person ?? {}
  for (const id of clientIds) if (!isId(id)) throw invalid(`one of clientIds ${shown(id)}, but ${ID_RANGE}`)
  // As it is stored, and as it was typed: rows of other programs may not be normalised.
  const names = usernames.flatMap((name) => [toUsername(checkText(name, 'usernames')), name])
  const given = phones.map((phone) => toStorablePhone(checkText(phone, 'phones')) ?? '')
  if ([...names, ...given].some((text) => text.trim() === '')) throw invalid('a name or a phone is empty')
  if (clientIds.length + names.length + given.length === 0)
    throw invalid('name a person by clientIds, usernames or phones (given: none)')
  return { clientIds, usernames: unique(names), phones: unique(given) }
}

const checkText = (value: unknown, field: string): string => {
  if (typeof value === 'string') return value
  throw invalid(`${field} has something that is not a string`)
}

const invalid = (message: string): InvalidCall => new InvalidCall('invalid_contact', message)

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)]

/** Finds a person's clients and names. With a phone it reads all messages, which have no index on it. */
export const findPerson = async (client: Queryable, tables: ErasureTables, person: Person): Promise<FoundPerson> => {
  const { clientIds, usernames, phones } = checkPerson(person)
  const { own } = tables
  const byPhone = phones.length === 0 ? [] : await guestsWithPhone(client, tables, phones, own)
  const guestNames = byPhone.flatMap(({ clientId, name }) => (clientId === null && name !== null ? [name] : []))
  const wanted = [...clientIds.map(String), ...byPhone.flatMap(({ clientId }) => (clientId === null ? [] : [clientId]))]
  const named = unique([...usernames, ...guestNames])
  const aliased = await formerHolders(client, tables, named)
  const { rows: found } = await client.query<FoundClient>(selectClients(tables, own), [
    unique([...wanted, ...aliased]),
    named,
    phones,
  ])
  const now = found.filter(
    ({ username, phone }) => named.includes(username) || (phone !== null && phones.includes(phone)),
  )
  const known = unique([...wanted, ...now.map(({ id }) => id)])
  const ids = unique([...known, ...aliased])
  const merged = own.has('merged_clients')
    ? await idsOf(
        client,
        `SELECT unnest(ARRAY["clientId", "intoClientId"])::text AS "id" FROM ${qualified(ownSchema(tables.schema), 'merged_clients')}
         WHERE "clientId" = ANY ($1::bigint[]) OR "intoClientId" = ANY ($1::bigint[])`,
        ids,
      )
    : []
  const allIds = unique([...ids, ...merged])
  const { rows } = await client.query<FoundClient>(selectClients(tables, own), [allIds, [], []])
  const clients = rows.map((one) => ({
    ...one,
    isMerged: !ids.includes(one.id),
    isRenamed: aliased.includes(one.id) && !known.includes(one.id),
  }))
  const clientNames = unique([
    ...clients.map(({ username }) => username),
    ...(await formerNamesOf(client, tables, allIds)),
  ])
  const waiting = await readWaitingIds(client, tables, allIds)
  const otherClients = await readOtherClients(client, tables, named, allIds)
  const whole = { clients, clientIds: allIds, names: named, otherClients, clientNames, phones, waiting, changed: [] }
  return { ...whole, changed: await readEditedKeys(client, tables, anyOf(selectionsOf(tables, whole))) }
}

// The note may be older than the message's client. Time and id tell a message from another also after a rollback.
const readEditedKeys = async (
  client: Queryable,
  { schema, names, own }: ErasureTables,
  { condition, values }: Selection,
): Promise<readonly string[]> => {
  if (!own.has(CHANGED_MESSAGES)) return []
  const { rows } = await client.query<{ key: string }>(
    `SELECT d."idempotencyKey" AS "key"
     FROM ${ownNamesFor(schema).changedMessages} AS d
     JOIN ${names.message} AS m ON m."id" = d."messageId" AND m."createdAt" = d."createdAt"
     WHERE ${condition}`,
    [...values],
  )
  return rows.map(({ key }) => key)
}

const selectClients = ({ schema, names }: ErasureTables, own: ReadonlySet<string>): string => `
  SELECT c."id"::text, c."username"::text, c."phone"::text, ${isGuestClient(schema, own, 'c."id"')} AS "isGuest"
  FROM ${names.client} AS c
  WHERE c."id" = ANY ($1::bigint[]) OR c."username"::text = ANY ($2::text[]) OR c."phone"::text = ANY ($3::text[])
  ORDER BY c."id"`

/** The person's messages, in selections of which each has an index, except that of phones. */
export const selectionsOf = (
  { schema, columns, hasArchive }: ErasureTables,
  person: FoundPerson,
): readonly Selection[] => {
  const hasGuests = columns.has('guestUsername')
  // A rollback drops the columns of guests. Time and id together tell a message from another that got its id.
  const archived = (condition: string): string =>
    `(m."id", m."createdAt") IN (SELECT a."messageId", a."createdAt" FROM ${ownNamesFor(schema).archive} AS a WHERE ${condition})`
  const { names, otherClients } = person
  const parts: readonly (readonly [string, readonly string[], boolean, (readonly string[])?])[] = [
    ['m."clientId" = ANY ($1::bigint[])', person.clientIds, true],
    [
      'm."guestUsername"::text = ANY ($1::text[]) AND (m."clientId" = ANY ($2::bigint[])) IS NOT TRUE',
      ...([names, hasGuests, otherClients] as const),
    ],
    ['(m."clientId" IS NULL) IS TRUE AND m."guestUsername"::text = ANY ($1::text[])', person.clientNames, hasGuests],
    ['(m."clientId" IS NULL) IS TRUE AND m."id" = ANY ($1::bigint[])', person.waiting.messages, true],
    ['m."guestPhone"::text = ANY ($1::text[])', person.phones, columns.has('guestPhone')],
    [
      archived('a."clientId" = ANY ($1::bigint[]) OR a."linkedClientId" = ANY ($1::bigint[])'),
      person.clientIds,
      hasArchive,
    ],
    [archived('a."clientId" IS NULL AND a."messageId" = ANY ($1::bigint[])'), person.waiting.archived, hasArchive],
    [
      archived(
        'a."guestUsername" = ANY ($1::text[]) AND (a."clientId" = ANY ($2::bigint[]) OR a."linkedClientId" = ANY ($2::bigint[])) IS NOT TRUE',
      ),
      ...([names, hasArchive, otherClients] as const),
    ],
    [archived('a."clientId" IS NULL AND a."guestUsername" = ANY ($1::text[])'), person.clientNames, hasArchive],
    [archived('a."guestPhone" = ANY ($1::text[])'), person.phones, hasArchive],
  ]
  return parts.flatMap(([condition, values, isThere, except]) =>
    isThere && values.length > 0 ? [{ condition, values: except === undefined ? [values] : [values, except] }] : [],
  )
}

/** All of a person's messages in one selection. */
export const anyOf = (selections: readonly Selection[]): Selection => {
  const conditions: string[] = []
  const all: unknown[] = []
  for (const { condition, values } of selections) {
    const before = all.length
    conditions.push(`(${condition.replaceAll(/\$(\d+)/g, (_, place: string) => `$${before + Number(place)}`)})`)
    all.push(...values)
  }
  return { condition: conditions.length === 0 ? 'false' : conditions.join(' OR '), values: all }
}

/** The same without the messages by whose phone the person is found: while one of them is there, so is the way to the others. */
export const withoutPhones = ({ columns }: ErasureTables, selection: Selection, { phones }: FoundPerson): Selection =>
  phones.length === 0 || !columns.has('guestPhone')
    ? selection
    : {
        condition: `(${selection.condition}) AND (m."guestPhone"::text = ANY ($${selection.values.length + 1}::text[])) IS NOT TRUE`,
        values: [...selection.values, phones],
      }
