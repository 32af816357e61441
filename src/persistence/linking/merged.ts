import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { refuseKeptMessages, type ChangedBatch } from '../erasure/kept-rows.js'
import { checkPrivileges } from '../erasure/privileges.js'
import { readOwnTables } from '../erasure/tables.js'
import { MERGED_CLIENTS, MOVED_MESSAGES, ownSchema } from '../own-names.js'
import type { Names } from '../sql-names.js'
import { BATCH_MESSAGES } from './by-name.js'

/**
 * SQL, from FROM on, for messages, `m`, that are of a client, `g`, who was merged into another one. Of each client by the index, however
 * large the table is: a LIMIT or OFFSET in `some` keeps the planner from reading all of it.
 */
export const ofMergedClientsSql = ({ mergedClients, client, message }: Names, some = 'OFFSET 0'): string => `
    FROM ${mergedClients} AS g
    JOIN ${client} AS c ON c."id" = g."intoClientId"
    CROSS JOIN LATERAL (
      SELECT "id", "createdAt" FROM ${message} WHERE "clientId" = g."clientId" ${some}
    ) AS m`

/** Whether clients can have been merged in this schema. */
export const hasMerges = async (client: Queryable, schema: string): Promise<boolean> => {
  const own = await readOwnTables(client, schema)
  return own.has(MERGED_CLIENTS) && own.has(MOVED_MESSAGES)
}

export const countOfMerged = async (client: Queryable, names: Names): Promise<number> =>
  onlyRow(await client.query<{ count: number }>(`SELECT count(*)::integer AS "count" ${ofMergedClientsSql(names)}`))
    .count

// Noted as the merge notes what it moves, and dated as the merge: since then what is of the one client counts as the other's. SKIP
// LOCKED: messages that another transaction holds are left to the next run.
const moveSql = (names: Names): string => `
  WITH batch AS MATERIALIZED (
    SELECT m."id", m."createdAt", g."clientId", g."intoClientId", g."at"
    ${ofMergedClientsSql(names, `ORDER BY "createdAt", "id" LIMIT ${BATCH_MESSAGES} FOR NO KEY UPDATE SKIP LOCKED`)}
    LIMIT ${BATCH_MESSAGES}
  ), updated AS (
    UPDATE ${names.message} AS m
    SET "clientId" = batch."intoClientId"
    FROM batch
    WHERE m."id" = batch."id" AND m."createdAt" = batch."createdAt"
    RETURNING batch.*, m."clientId" AS "stored"
  ), moved AS (
    SELECT * FROM updated WHERE "stored" IS DISTINCT FROM "clientId"
  ), noted AS (
    INSERT INTO ${names.movedMessages} ("clientId", "intoClientId", "at", "messageIds")
    SELECT "clientId", "intoClientId", "at", pg_catalog.array_agg("id") FROM moved GROUP BY 1, 2, 3
  )
  SELECT (SELECT count(*)::integer FROM batch) AS "found", (SELECT count(*)::integer FROM moved) AS "changed"`

/**
 * Moves the messages of merged clients to the clients who have the others: what was saved in a transaction that could not see the
 * merge, or by another program, and what a merge that was interrupted has left.
 * @param onMoved told after each transaction how many are moved so far
 * @throws OperatorError `privilege_missing`, `rows_kept`
 */
export const moveOfMerged = async (
  client: Queryable,
  { schema, names }: { readonly schema: string; readonly names: Names },
  onMoved: (messages: number) => void,
): Promise<number> => {
  if ((await countOfMerged(client, names)) === 0) return 0
  const need = { schema: ownSchema(schema), table: MOVED_MESSAGES, privileges: ['INSERT'] } as const
  await checkPrivileges(client, [need], 'move the messages of merged clients')
  for (let sum = 0; ;) {
    const batch = onlyRow(await client.query<ChangedBatch>(moveSql(names)))
    await refuseKeptMessages(client, names.message, batch)
    if (batch.changed === 0) return sum
    sum += batch.changed
    onMoved(sum)
  }
}
