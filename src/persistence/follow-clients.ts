import type { Names } from './sql-names.js'

type FollowedTables = Pick<Names, 'client' | 'clientAliases' | 'mergedClients'>

/**
 * SQL for whether somebody else has a former name now. Then it counts as theirs, and no longer as that of the client who had it.
 * @param alias a row of the former names
 */
export const isTakenOverSql = ({ client }: Pick<Names, 'client'>, alias: string): string =>
  `EXISTS (SELECT FROM ${client} AS h WHERE h."username"::text = ${alias}."username" AND h."id" <> ${alias}."clientId")`

/** SQL for the client that had a name before it was renamed or merged; NULL when nobody had it, or that client is gone. For a name that nobody has now. */
export const aliasSql = ({ client, clientAliases }: FollowedTables, name: string): string => `(
      SELECT a."clientId" FROM ${clientAliases} AS a JOIN ${client} AS c ON c."id" = a."clientId" WHERE a."username" = ${name} LIMIT 1)`

/** SQL for the client into which a client was merged; for itself if it was not, or if the other one is gone. */
export const mergedSql = ({ client, mergedClients }: FollowedTables, id: string): string => `coalesce((
      SELECT g."intoClientId" FROM ${mergedClients} AS g JOIN ${client} AS c ON c."id" = g."intoClientId" WHERE g."clientId" = ${id}), ${id})`

/** SQL for the client to whom what is written under a name belongs: who has it, else who had it; NULL when nobody does. */
export const clientOfNameSql = (names: FollowedTables, name: string): string => {
  const holder = `(SELECT c."id" FROM ${names.client} AS c WHERE c."username"::text = ${name} LIMIT 1)`
  return `coalesce(${mergedSql(names, holder)}, ${aliasSql(names, name)})`
}

/** SQL for whether a client was not made of a guest: then what is written under its name proves nothing. */
export const isRegisteredSql = ({ guestClients }: Pick<Names, 'guestClients'>, id: string): string =>
  `(SELECT g."clientId" FROM ${guestClients} AS g WHERE g."clientId" = ${id}) IS NULL`
