import type { Queryable } from '../../database/connection.js'
import { CHANGED_MESSAGES, CLIENT_ALIASES, MERGED_CLIENTS, ownNamesFor } from '../own-names.js'
import { ownRowsOf } from './erase-person.js'
import { isGuestClient } from './guest-names.js'
import { ARCHIVE_PLACES, bindOwn } from './own-rows.js'
import { anyOf, selectionsOf, type FoundPerson } from './person.js'
import type { ErasureTables } from './tables.js'

/** What is known of when a name was whose, in milliseconds since 1970. */
export interface NameHistory {
  /** Whether the person has the name, or had it last. */
  readonly isPersons: boolean
  /** It was the person's from then on (Infinity: at no time that is known) … */
  readonly fromMs: number
  /** … to before then. */
  readonly untilMs: number
  /** Before then it was somebody else's. */
  readonly othersUntilMs: number
}

/**
 * Names that the person and somebody else had, or may have had, one after the other. Of former names of the person: those that somebody
 * else may have now. Of the other names of the person: those that other clients had, or have messages under, and those from which
 * somebody was renamed.
 */
export type DisputedNames = ReadonlyMap<string, NameHistory>

/** A client who has, or had, a name, or has messages under it. */
export interface NameHolder {
  readonly isPerson: boolean
  /** Whether it is the client's name now. */
  readonly hasNow: boolean
  /** When the client was renamed from it. */
  readonly renamedMs: number | null
  /** When the client was created. */
  readonly createdMs: number | null
  readonly isGuest: boolean
}

/** Names under which it takes a message's key, or its time, to tell whose it is. */
export const readDisputedNames = async (
  client: Queryable,
  tables: ErasureTables,
  { clientIds, names, clientNames }: FoundPerson,
): Promise<DisputedNames> => {
  const current = new Set([...names, ...clientNames])
  const held = selectHeld(tables)
  const { rows: disputed } = await client.query<{ name: string }>(
    `SELECT DISTINCT h."name" FROM (${held}) AS h
     WHERE h."clientId" = ANY ($1::bigint[]) AND h."name" <> ALL ($2::text[])
       OR h."clientId" <> ALL ($1::bigint[]) AND h."name" = ANY ($2::text[])
       OR h."renamedMs" IS NOT NULL AND h."name" = ANY ($2::text[])`,
    [clientIds, [...current]],
  )
  if (disputed.length === 0) return new Map()
  const { rows } = await client.query<NameHolder & { readonly name: string }>(selectHolders(tables, held), [
    clientIds,
    disputed.map(({ name }) => name),
  ])
  return new Map(
    disputed.map(({ name }) => [
      name,
      toHistory(
        rows.filter((row) => row.name === name),
        current.has(name),
      ),
    ]),
  )
}

const selectHeld = ({ schema, names, columns, own, hasArchive }: ErasureTables): string => {
  const { archive, clientAliases } = ownNamesFor(schema)
  return [
    `SELECT NULL::text AS "name", NULL::bigint AS "clientId", NULL::float8 AS "renamedMs"`,
    ...(columns.has('guestUsername')
      ? [`SELECT m."guestUsername"::text, m."clientId", NULL FROM ${names.message} AS m`]
      : []),
    ...(hasArchive
      ? [`SELECT a."guestUsername", coalesce(a."linkedClientId", a."clientId"), NULL FROM ${archive} AS a`]
      : []),
    ...(own.has(CLIENT_ALIASES)
      ? [`SELECT a."username", a."clientId", extract(epoch FROM a."at")::float8 * 1000 FROM ${clientAliases} AS a`]
      : []),
  ].join(' UNION ALL ')
}

// The former names of a client who was merged are the other one's: the one who had the name may be either of them.
const selectHolders = ({ schema, names, own, hasCreatedAt }: ErasureTables, held: string): string => {
  const merged = own.has(MERGED_CLIENTS)
    ? `OR c."id" IN (SELECT g."clientId" FROM ${ownNamesFor(schema).mergedClients} AS g WHERE g."intoClientId" = h."clientId")`
    : ''
  return `
    SELECT h."name", h."clientId" = ANY ($1::bigint[]) AS "isPerson", h."hasNow", h."renamedMs", one."createdMs",
      coalesce(one."isGuest", false) AS "isGuest"
    FROM (
      SELECT n."name", n."clientId", max(n."renamedMs") AS "renamedMs", bool_or(n."hasNow") AS "hasNow"
      FROM (
        SELECT h."name", h."clientId", h."renamedMs", false AS "hasNow" FROM (${held}) AS h WHERE h."name" = ANY ($2::text[])
        UNION ALL
        SELECT c."username"::text, c."id", NULL, true FROM ${names.client} AS c WHERE c."username"::text = ANY ($2::text[])
      ) AS n
      WHERE n."clientId" IS NOT NULL
      GROUP BY 1, 2
    ) AS h
    LEFT JOIN LATERAL (
      SELECT ${hasCreatedAt ? 'extract(epoch FROM max(c."createdAt"))::float8 * 1000' : 'NULL::float8'} AS "createdMs",
        bool_and(${isGuestClient(schema, own, 'c."id"')}) AS "isGuest"
      FROM ${names.client} AS c
      WHERE c."id" = h."clientId" ${merged}
    ) AS one ON true`
}

const NEVER = Infinity
const ALWAYS = -Infinity

/**
 * A name is a client's from its creation, after a rename too, until another client has it. A client that an application renamed by
 * itself may have got it at any time after that.
 * @param isPersons whether the person has the name, or had it last
 */
export const toHistory = (holders: readonly NameHolder[], isPersons: boolean): NameHistory => {
  const others = holders.filter(({ isPerson }) => !isPerson)
  const fromMs = personsSince(holders, others.length > 0)
  const renamedFrom = (some: readonly NameHolder[]): number => Math.max(...some.map((one) => one.renamedMs ?? ALWAYS))
  if (isPersons) {
    const othersUntilMs = renamedFrom(others)
    return { isPersons, fromMs: fromMs < othersUntilMs ? NEVER : fromMs, untilMs: NEVER, othersUntilMs }
  }
  const renamedMs = renamedFrom(holders.filter(({ isPerson }) => isPerson))
  const [next, third] = others
  // A recording has whole milliseconds.
  const nextMs = third === undefined && next?.hasNow === true ? Math.floor(next.createdMs ?? ALWAYS) : ALWAYS
  const isKnown = renamedMs > ALWAYS
  return { isPersons, fromMs: isKnown ? fromMs : NEVER, untilMs: Math.max(renamedMs, nextMs), othersUntilMs: ALWAYS }
}

// Of a name from which somebody was renamed, only the last one is noted, and it may have been somebody else's before: an application may
// give it to a client of its own. A client that was made of a guest would not have got it.
const personsSince = (holders: readonly NameHolder[], isOthersToo: boolean): number => {
  const owners = holders.filter(({ isPerson }) => isPerson)
  const first = owners.find(({ renamedMs }) => renamedMs !== null) ?? owners.find(({ hasNow }) => hasNow)
  if (first === undefined) return NEVER
  return first.isGuest && !isOthersToo ? ALWAYS : (first.createdMs ?? NEVER)
}

/**
 * Whose the messages with some of these keys are: true for the person's, false for those of others. Keys that are unknown, or whose
 * message nobody has, are absent.
 */
export const readKeyOwners = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
  keys: readonly string[],
): Promise<ReadonlyMap<string, boolean>> => {
  const { archive, changedMessages } = ownNamesFor(tables.schema)
  const inMessages = anyOf(selectionsOf(tables, person))
  const inArchive = bindOwn(ARCHIVE_PLACES.archive.condition, ownRowsOf(person))
  const places = [
    ...(tables.columns.has('idempotencyKey') ? [{ from: `${tables.names.message} AS m`, ...inMessages }] : []),
    ...(tables.hasArchive ? [{ from: `${archive} AS m`, condition: inArchive.where, values: inArchive.values }] : []),
    ...(tables.own.has(CHANGED_MESSAGES)
      ? [{ from: `${changedMessages} AS m`, condition: '"clientId" = ANY ($1::bigint[])', values: [person.clientIds] }]
      : []),
  ]
  const owners = new Map<string, boolean>()
  for (const { from, condition, values } of places) {
    const { rows } = await client.query<{ key: string; isPersons: boolean | null }>(
      `SELECT m."idempotencyKey"::text AS "key", (${condition}) AS "isPersons"
       FROM ${from}
       WHERE m."idempotencyKey"::text = ANY ($${values.length + 1}::text[])`,
      [...values, keys],
    )
    for (const { key, isPersons } of rows) owners.set(key, isPersons === true || owners.get(key) === true)
  }
  return owners
}
