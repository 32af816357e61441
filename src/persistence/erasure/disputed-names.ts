import type { Queryable } from '../../database/connection.js'
import { CHANGED_MESSAGES, CLIENT_ALIASES, ownNamesFor } from '../own-names.js'
import { ownRowsOf } from './erase-person.js'
import { ARCHIVE_PLACES, bindOwn } from './own-rows.js'
import { anyOf, selectionsOf, type FoundPerson } from './person.js'
import type { ErasureTables } from './tables.js'

/** Who had a name first, and until when (milliseconds since 1970), where that was noted. */
export interface FormerHolder {
  readonly isPerson: boolean
  readonly untilMs: number | null
}

/**
 * Names that the person and somebody else had, one after the other. Of former names of the person: those that somebody else may have
 * now. Of the other names of the person: those that other clients had, or have messages under.
 */
export type DisputedNames = ReadonlyMap<string, FormerHolder>

/** Names under which it takes a message's key, or its time, to tell whose it is. */
export const readDisputedNames = async (
  client: Queryable,
  tables: ErasureTables,
  { clientIds, names, clientNames }: FoundPerson,
): Promise<DisputedNames> => {
  const { archive, clientAliases } = ownNamesFor(tables.schema)
  const parts = [
    ...(tables.columns.has('guestUsername')
      ? [
          `SELECT m."guestUsername"::text AS "name", m."clientId", NULL::float8 AS "untilMs" FROM ${tables.names.message} AS m`,
        ]
      : []),
    ...(tables.hasArchive
      ? [`SELECT a."guestUsername", coalesce(a."linkedClientId", a."clientId"), NULL FROM ${archive} AS a`]
      : []),
    ...(tables.own.has(CLIENT_ALIASES)
      ? [`SELECT a."username", a."clientId", extract(epoch FROM a."at")::float8 * 1000 FROM ${clientAliases} AS a`]
      : []),
  ]
  if (parts.length === 0) return new Map()
  const { rows } = await client.query<FormerHolder & { readonly name: string }>(
    `SELECT h."name", h."clientId" = ANY ($1::bigint[]) AS "isPerson", max(h."untilMs") AS "untilMs"
     FROM (${parts.join(' UNION ALL ')}) AS h
     WHERE h."clientId" = ANY ($1::bigint[]) AND h."name" <> ALL ($2::text[])
       OR h."clientId" <> ALL ($1::bigint[]) AND h."name" = ANY ($2::text[])
     GROUP BY 1, 2`,
    [clientIds, [...names, ...clientNames]],
  )
  return new Map(rows.map(({ name, ...holder }) => [name, holder]))
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
