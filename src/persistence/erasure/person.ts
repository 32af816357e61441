import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { InvalidCall } from '../errors.js'
import { ID_RANGE, isId } from '../ids/ids.js'
import { ownNamesFor, ownSchema, WANTED_CLIENTS } from '../own-names.js'
import { toStorablePhone, toUsername } from '../prepare-message.js'
import type { Selection } from './delete-messages.js'
import { waitingMessageSql } from '../wanted/waiting-messages.js'
import type { ErasureTables } from './tables.js'

/** Who is meant: by ids of clients, by exact names, by phones. Several of them are one person. */
export interface Person {
  readonly clientIds?: readonly number[] | undefined
  /** Clients of exactly these names, and what guests wrote under them. */
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
}

/** What is known of a person. */
export interface FoundPerson {
  readonly clients: readonly PersonClient[]
  /** Their ids, and those that were named or merged into them. */
  readonly clientIds: readonly string[]
  /** Guests' names all of whose messages are meant. */
  readonly names: readonly string[]
  /** Names of the clients: of messages under one, only those without client are meant. */
  readonly clientNames: readonly string[]
  readonly phones: readonly string[]
  /** Ids of messages without client that name one of the clients by its id. */
  readonly waitingIds: readonly string[]
}

/** @throws InvalidCall `invalid_contact` unless somebody is named: an id that is undefined by mistake must not look like nobody */
export const checkPerson = (
  person: Person | undefined,
): { readonly [Field in keyof Person]-?: NonNullable<Person[Field]> } => {
  const { clientIds = [], usernames = [], phones = [] } = person ?? {}
  for (const id of clientIds) if (!isId(id)) throw invalid(`clientIds has ${String(id)}, but an id ${ID_RANGE}`)
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
  const byPhone = phones.length === 0 ? [] : await guestsWithPhone(client, tables, phones, own.has('guest_clients'))
  const guestNames = byPhone.flatMap(({ clientId, name }) => (clientId === null && name !== null ? [name] : []))
  const wanted = [...clientIds.map(String), ...byPhone.flatMap(({ clientId }) => (clientId === null ? [] : [clientId]))]
  const named = unique([...usernames, ...guestNames])
  const aliased = own.has('client_aliases')
    ? await idsOf(
        client,
        `SELECT "clientId"::text AS "id" FROM ${qualified(ownSchema(tables.schema), 'client_aliases')} WHERE "username" = ANY ($1::text[])`,
        named,
      )
    : []
  const { rows: found } = await client.query<PersonClient>(selectClients(tables, own.has('guest_clients')), [
    unique([...wanted, ...aliased]),
    named,
    phones,
  ])
  const ids = unique([...wanted, ...aliased, ...found.map(({ id }) => id)])
  const merged = own.has('merged_clients')
    ? await idsOf(
        client,
        `SELECT unnest(ARRAY["clientId", "intoClientId"])::text AS "id" FROM ${qualified(ownSchema(tables.schema), 'merged_clients')}
         WHERE "clientId" = ANY ($1::bigint[]) OR "intoClientId" = ANY ($1::bigint[])`,
        ids,
      )
    : []
  const allIds = unique([...ids, ...merged])
  const { rows: clients } = await client.query<PersonClient>(selectClients(tables, own.has('guest_clients')), [
    allIds,
    [],
    [],
  ])
  const formerNames = own.has('client_aliases')
    ? await idsOf(
        client,
        `SELECT "username" AS "id" FROM ${qualified(ownSchema(tables.schema), 'client_aliases')} WHERE "clientId" = ANY ($1::bigint[])`,
        allIds,
      )
    : []
  const clientNames = unique([...clients.map(({ username }) => username), ...formerNames])
  const waitingIds =
    own.has(WANTED_CLIENTS) && tables.columns.has('idempotencyKey')
      ? await idsOf(
          client,
          `SELECT m."id"::text AS "id" ${waitingMessageSql(tables)} WHERE w."clientId" = ANY ($1::bigint[])`,
          allIds,
        )
      : []
  return { clients, clientIds: allIds, names: named, clientNames, phones, waitingIds }
}

const idsOf = async (client: Queryable, sql: string, values: readonly string[]): Promise<readonly string[]> =>
  (await client.query<{ id: string }>(sql, [values])).rows.map(({ id }) => id)

const selectClients = ({ schema, names }: ErasureTables, hasGuests: boolean): string => {
  const isGuest = hasGuests
    ? `EXISTS (SELECT FROM ${ownNamesFor(schema).guestClients} AS g WHERE g."clientId" = c."id")`
    : 'false'
  return `
  SELECT c."id"::text, c."username"::text, c."phone"::text, ${isGuest} AS "isGuest"
  FROM ${names.client} AS c
  WHERE c."id" = ANY ($1::bigint[]) OR c."username"::text = ANY ($2::text[]) OR c."phone"::text = ANY ($3::text[])
  ORDER BY c."id"`
}

interface GuestWithPhone {
  /** A client that was made of a guest; null where the messages have no client. */
  readonly clientId: string | null
  readonly name: string | null
}

// A phone is unproved: under the name of a registered client it may be somebody else's.
const guestsWithPhone = async (
  client: Queryable,
  { schema, names, columns }: ErasureTables,
  phones: readonly string[],
  hasGuests: boolean,
): Promise<readonly GuestWithPhone[]> => {
  if (!columns.has('guestPhone')) return []
  const isGuest = hasGuests
    ? `EXISTS (SELECT FROM ${ownNamesFor(schema).guestClients} AS g WHERE g."clientId" = m."clientId")`
    : 'false'
  const { rows } = await client.query<GuestWithPhone>(
    `SELECT DISTINCT m."clientId"::text AS "clientId", CASE WHEN m."clientId" IS NULL THEN m."guestUsername"::text END AS "name"
     FROM ${names.message} AS m
     WHERE m."guestPhone"::text = ANY ($1::text[]) AND (m."clientId" IS NULL OR ${isGuest})`,
    [phones],
  )
  return rows
}

/** The person's messages, in selections of which each has an index, except that of phones. */
export const selectionsOf = ({ columns }: ErasureTables, person: FoundPerson): readonly Selection[] => {
  const hasGuests = columns.has('guestUsername')
  const parts: readonly (readonly [string, readonly string[], boolean])[] = [
    ['m."clientId" = ANY ($1::bigint[])', person.clientIds, true],
    ['m."guestUsername"::text = ANY ($1::text[])', person.names, hasGuests],
    ['(m."clientId" IS NULL) IS TRUE AND m."guestUsername"::text = ANY ($1::text[])', person.clientNames, hasGuests],
    ['(m."clientId" IS NULL) IS TRUE AND m."id" = ANY ($1::bigint[])', person.waitingIds, true],
    ['m."guestPhone"::text = ANY ($1::text[])', person.phones, columns.has('guestPhone')],
  ]
  return parts.flatMap(([condition, values, isThere]) =>
    isThere && values.length > 0 ? [{ condition, values: [values] }] : [],
  )
}

/** All of a person's messages in one selection. */
export const anyOf = (selections: readonly Selection[]): Selection => ({
  condition:
    selections.length === 0
      ? 'false'
      : selections.map(({ condition }, index) => `(${condition.replaceAll('$1', `$${index + 1}`)})`).join(' OR '),
  values: selections.flatMap(({ values }) => values),
})

/** The same without the messages by whose phone the person is found: while one of them is there, so is the way to the others. */
export const withoutPhones = ({ columns }: ErasureTables, selection: Selection, { phones }: FoundPerson): Selection =>
  phones.length === 0 || !columns.has('guestPhone')
    ? selection
    : {
        condition: `(${selection.condition}) AND (m."guestPhone"::text = ANY ($${selection.values.length + 1}::text[])) IS NOT TRUE`,
        values: [...selection.values, phones],
      }
