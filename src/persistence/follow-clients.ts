import type { Names } from './sql-names.js'

/** SQL for the client that had a name before it was renamed or merged; NULL when nobody had it, or that client is gone. */
export const aliasSql = ({ client, clientAliases }: Names, name: string): string => `(
      SELECT a."clientId" FROM ${clientAliases} AS a JOIN ${client} AS c ON c."id" = a."clientId" WHERE a."username" = ${name} LIMIT 1)`

/** SQL for the client into which a client was merged, or for itself. */
export const mergedSql = ({ mergedClients }: Names, id: string): string =>
  `coalesce((SELECT g."intoClientId" FROM ${mergedClients} AS g WHERE g."clientId" = ${id}), ${id})`

/** SQL for the client to whom what is written under a name belongs: who has it, else who had it; NULL when nobody does. */
export const clientOfNameSql = (names: Names, name: string): string => {
  const holder = `(SELECT c."id" FROM ${names.client} AS c WHERE c."username"::text = ${name} LIMIT 1)`
  return `coalesce(${mergedSql(names, holder)}, ${aliasSql(names, name)})`
}

/** SQL for whether a client was not made of a guest: then what is written under its name proves nothing. */
export const isRegisteredSql = ({ guestClients }: Names, id: string): string =>
  `(SELECT g."clientId" FROM ${guestClients} AS g WHERE g."clientId" = ${id}) IS NULL`
