import type { Queryable } from '../../database/connection.js'

/** @param sql selects texts, "id", by a list, which is its only parameter */
export const idsOf = async (client: Queryable, sql: string, values: readonly string[]): Promise<readonly string[]> =>
  (await client.query<{ id: string }>(sql, [values])).rows.map(({ id }) => id)
