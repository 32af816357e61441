import type { Queryable } from '../../database/connection.js'
import { isTakenOverSql } from '../follow-clients.js'
import { ownNamesFor } from '../own-names.js'
import { idsOf } from './ids-of.js'
import type { ErasureTables } from './tables.js'

/** Whether a client was made of a guest, by a save or by a rollback. */
export const isGuestClient = (schema: string, own: ReadonlySet<string>, id: string): string => {
  const { guestClients, archivedClients } = ownNamesFor(schema)
  const made = [
    ...(own.has('guest_clients') ? [guestClients] : []),
    ...(own.has('archived_clients') ? [archivedClients] : []),
  ]
  return ['false', ...made.map((table) => `EXISTS (SELECT FROM ${table} AS g WHERE g."clientId" = ${id})`)].join(' OR ')
}

/** Whether the name `w."name"` is, or was, that of a registered client. */
const isRegisteredName = (
  { schema, names }: Pick<ErasureTables, 'schema' | 'names'>,
  own: ReadonlySet<string>,
): string =>
  [
    `EXISTS (SELECT FROM ${names.client} AS c WHERE c."username"::text = w."name" AND NOT (${isGuestClient(schema, own, 'c."id"')}))`,
    ...(own.has('client_aliases')
      ? [
          `EXISTS (SELECT FROM ${ownNamesFor(schema).clientAliases} AS l WHERE l."username" = w."name" AND NOT ${isTakenOverSql(names, 'l')} AND NOT (${isGuestClient(schema, own, 'l."clientId"')}))`,
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
export const guestsWithPhone = async (
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
