import type { Queryable } from '../../database/connection.js'
import { checkOptions, shown, type Rule, type Rules } from '../../check-options.js'
import { qualified } from '../../database/identifier.js'
import { InvalidCall } from '../errors.js'
import { ID_RANGE, isId } from '../ids/ids.js'
import { CHANGED_MESSAGES, ownNamesFor, ownSchema } from '../own-names.js'
import { toStorablePhone, toUsername } from '../prepare-message.js'
import type { Selection } from './delete-messages.js'
import { idsOf } from './ids-of.js'
import type { ErasureTables } from './tables.js'
import { readWaitingIds, type WaitingIds } from './waiting-ids.js'

/** Who is meant: by ids of clients, by exact names, by phones. Several of them are one person. */
export interface Person {
  readonly clientIds?: readonly number[] | undefined
  /** Clients who have or had exactly these names, and what guests wrote under them. */
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
  /** Guests' names all of whose messages are meant. */
  readonly names: readonly string[]
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
  const aliased = own.has('client_aliases')
    ? await idsOf(
        client,
        `SELECT "clientId"::text AS "id" FROM ${qualified(ownSchema(tables.schema), 'client_aliases')} WHERE "username" = ANY ($1::text[])`,
        named,
      )
    : []
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
  const formerNames = own.has('client_aliases')
    ? await idsOf(
        client,
        `SELECT "username" AS "id" FROM ${qualified(ownSchema(tables.schema), 'client_aliases')} WHERE "clientId" = ANY ($1::bigint[])`,
        allIds,
      )
    : []
  const clientNames = unique([...clients.map(({ username }) => username), ...formerNames])
  const waiting = await readWaitingIds(client, tables, allIds)
  const whole = { clients, clientIds: allIds, names: named, clientNames, phones, waiting, changed: [] }
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

/** Whether a client was made of a guest, by a save or by a rollback. */
const isGuestClient = (schema: string, own: ReadonlySet<string>, id: string): string => {
  const { guestClients, archivedClients } = ownNamesFor(schema)
  const made = [
    ...(own.has('guest_clients') ? [guestClients] : []),
    ...(own.has('archived_clients') ? [archivedClients] : []),
  ]
  return ['false', ...made.map((table) => `EXISTS (SELECT FROM ${table} AS g WHERE g."clientId" = ${id})`)].join(' OR ')
}

const selectClients = ({ schema, names }: ErasureTables, own: ReadonlySet<string>): string => `
  SELECT c."id"::text, c."username"::text, c."phone"::text, ${isGuestClient(schema, own, 'c."id"')} AS "isGuest"
  FROM ${names.client} AS c
  WHERE c."id" = ANY ($1::bigint[]) OR c."username"::text = ANY ($2::text[]) OR c."phone"::text = ANY ($3::text[])
  ORDER BY c."id"`

/** Whether the name `w."name"` is, or was, that of a registered client. */
const isRegisteredName = (
  { schema, names }: Pick<ErasureTables, 'schema' | 'names'>,
  own: ReadonlySet<string>,
): string =>
  [
    `EXISTS (SELECT FROM ${names.client} AS c WHERE c."username"::text = w."name" AND NOT (${isGuestClient(schema, own, 'c."id"')}))`,
    ...(own.has('client_aliases')
      ? [
          `EXISTS (SELECT FROM ${ownNamesFor(schema).clientAliases} AS l WHERE l."username" = w."name" AND NOT (${isGuestClient(schema, own, 'l."clientId"')}))`,
        ]
      : []),
  ].join(' OR ')

/** Those of the names that are not of registered clients. */
export const guestNamesAmong = async (
  client: Queryable,
  tables: ErasureTables,
  names: readonly string[],
): Promise<readonly string[]> =>
  idsOf(
    client,
    `SELECT w."name" AS "id" FROM unnest($1::text[]) AS w ("name")
     WHERE NOT (${isRegisteredName(tables, tables.own)})`,
    names,
  )

interface GuestWithPhone {
  /** A client that was made of a guest; null where the messages have no client. */
  readonly clientId: string | null
  readonly name: string | null
}

// A phone is unproved: under the name of a registered client, also a former one, it may be somebody else's.
const guestsWithPhone = async (
  client: Queryable,
  { schema, names, columns, hasArchive }: ErasureTables,
  phones: readonly string[],
  own: ReadonlySet<string>,
): Promise<readonly GuestWithPhone[]> => {
  const isRegistered = isRegisteredName({ schema, names }, own)
  const isGuest = isGuestClient(schema, own, 'w."clientId"')
  const places = [
    ...(columns.has('guestPhone') ? [names.message] : []),
    ...(hasArchive ? [ownNamesFor(schema).archive] : []),
  ]
  const found: GuestWithPhone[] = []
  for (const place of places) {
    const { rows } = await client.query<GuestWithPhone>(
      `SELECT w."clientId"::text AS "clientId", w."name"
       FROM (
         SELECT DISTINCT m."clientId", CASE WHEN m."clientId" IS NULL THEN m."guestUsername"::text END AS "name"
         FROM ${place} AS m
         WHERE m."guestPhone"::text = ANY ($1::text[])
       ) AS w
       WHERE CASE WHEN w."clientId" IS NULL THEN NOT (${isRegistered}) ELSE ${isGuest} END`,
      [phones],
    )
    found.push(...rows)
  }
  return found
}

/** The person's messages, in selections of which each has an index, except that of phones. */
export const selectionsOf = (
  { schema, columns, hasArchive }: ErasureTables,
  person: FoundPerson,
): readonly Selection[] => {
  const hasGuests = columns.has('guestUsername')
  // A rollback drops the columns of guests. Time and id together tell a message from another that got its id.
  const archived = (condition: string): string =>
    `(m."id", m."createdAt") IN (SELECT a."messageId", a."createdAt" FROM ${ownNamesFor(schema).archive} AS a WHERE ${condition})`
  const parts: readonly (readonly [string, readonly string[], boolean])[] = [
    ['m."clientId" = ANY ($1::bigint[])', person.clientIds, true],
    ['m."guestUsername"::text = ANY ($1::text[])', person.names, hasGuests],
    ['(m."clientId" IS NULL) IS TRUE AND m."guestUsername"::text = ANY ($1::text[])', person.clientNames, hasGuests],
    ['(m."clientId" IS NULL) IS TRUE AND m."id" = ANY ($1::bigint[])', person.waiting.messages, true],
    ['m."guestPhone"::text = ANY ($1::text[])', person.phones, columns.has('guestPhone')],
    [
      archived('a."clientId" = ANY ($1::bigint[]) OR a."linkedClientId" = ANY ($1::bigint[])'),
      person.clientIds,
      hasArchive,
    ],
    [archived('a."clientId" IS NULL AND a."messageId" = ANY ($1::bigint[])'), person.waiting.archived, hasArchive],
    [archived('a."guestUsername" = ANY ($1::text[])'), person.names, hasArchive],
    [archived('a."clientId" IS NULL AND a."guestUsername" = ANY ($1::text[])'), person.clientNames, hasArchive],
    [archived('a."guestPhone" = ANY ($1::text[])'), person.phones, hasArchive],
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
