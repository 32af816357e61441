import type { Queryable } from '../../database/connection.js'

/** @param sql selects texts, "id", by lists, which are its parameters */
export const idsOf = async (
  client: Queryable,
  sql: string,
  ...lists: readonly (readonly string[])[]
): Promise<readonly string[]> => (await client.query<{ id: string }>(sql, [...lists])).rows.map(({ id }) => id)
