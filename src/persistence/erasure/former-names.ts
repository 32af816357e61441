import type { Queryable } from '../../database/connection.js'
import { isTakenOverSql } from '../follow-clients.js'
import { guestHashSql } from '../keys/noted-key.js'
import { CHANGED_MESSAGES, CLIENT_ALIASES, ownNamesFor } from '../own-names.js'
import { idsOf } from './ids-of.js'
import type { ErasureTables } from './tables.js'

/** Ids of the clients who had one of the names, where nobody else has it now. */
export const formerHolders = (
  client: Queryable,
  tables: ErasureTables,
  names: readonly string[],
): Promise<readonly string[]> =>
  readFormer(client, tables, 'a."clientId"::text', 'a."username" = ANY ($1::text[])', names)

/** Former names of clients that nobody else has now. */
export const formerNamesOf = (
  client: Queryable,
  tables: ErasureTables,
  clientIds: readonly string[],
): Promise<readonly string[]> =>
  readFormer(client, tables, 'a."username"', 'a."clientId" = ANY ($1::bigint[])', clientIds)

const readFormer = async (
  client: Queryable,
  { schema, names, own }: ErasureTables,
  wanted: string,
  condition: string,
  values: readonly string[],
): Promise<readonly string[]> =>
  own.has(CLIENT_ALIASES)
    ? idsOf(
        client,
        `SELECT ${wanted} AS "id" FROM ${ownNamesFor(schema).clientAliases} AS a
         WHERE ${condition} AND NOT ${isTakenOverSql(names, 'a')}`,
        values,
      )
    : []

/** Ids of other clients than these who had one of the names, or have messages that were written under one. */
export const readOtherClients = async (
  client: Queryable,
  tables: ErasureTables,
  names: readonly string[],
  clientIds: readonly string[],
): Promise<readonly string[]> => {
  if (names.length === 0) return []
  const { rows } = await client.query<{ id: string }>(
    `SELECT c."id"::text AS "id" FROM ${tables.names.client} AS c
     WHERE c."id" <> ALL ($2::bigint[]) AND c."id" IN (${selectNamed(tables)})
     ORDER BY c."id"`,
    [names, clientIds],
  )
  return rows.map(({ id }) => id)
}

const selectNamed = ({ schema, names, columns, own, hasArchive, hasGuestHash }: ErasureTables): string => {
  const { clientAliases, archive, changedMessages } = ownNamesFor(schema)
  const ofGuest = '"guestUsername"::text = ANY ($1::text[])'
  return [
    'SELECT NULL::bigint',
    ...(columns.has('guestUsername') ? [`SELECT "clientId" FROM ${names.message} WHERE ${ofGuest}`] : []),
    ...(own.has(CLIENT_ALIASES) ? [`SELECT "clientId" FROM ${clientAliases} WHERE "username" = ANY ($1::text[])`] : []),
    ...(hasArchive ? [`SELECT unnest(ARRAY["clientId", "linkedClientId"]) FROM ${archive} WHERE ${ofGuest}`] : []),
    ...(hasGuestHash && own.has(CHANGED_MESSAGES)
      ? [
          `SELECT "clientId" FROM ${changedMessages}
           WHERE "guestHash" IN (SELECT ${guestHashSql('n."name"')} FROM unnest($1::text[]) AS n ("name"))`,
        ]
      : []),
  ].join(' UNION ALL ')
}
