import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ownNamesFor } from '../own-names.js'
import { deleteFromArchive, type DeletedRows } from './delete-archived.js'
import type { BatchSession, Selection } from './delete-messages.js'
import type { ErasureTables } from './tables.js'

const NONE: DeletedRows = { rows: 0, messages: 0 }

/** Counts what the archive of a rollback has of aged messages. @param selection of rows `a` */
export const readAgedArchive = async (
  client: Queryable,
  { schema, hasArchive }: ErasureTables,
  { condition, values }: Selection,
): Promise<DeletedRows> =>
  hasArchive
    ? onlyRow(
        await client.query<DeletedRows>(
          `SELECT count(*)::integer AS "rows", count(a."removedRow")::integer AS "messages"
           FROM ${ownNamesFor(schema).archive} AS a
           WHERE ${condition}`,
          [...values],
        ),
      )
    : NONE

/** Each batch seals the archive again, and is a line of the history of runs: few batches, and each short enough for a query. */
const BATCH_ROWS = 20_000

/**
 * Deletes from the archive of a rollback what it has of aged messages, so that the next migrate puts none of them back.
 * @param selection of rows `a`
 * @returns how many whole messages were deleted
 */
export const deleteAgedArchive = async (
  session: BatchSession,
  tables: ErasureTables,
  { condition, values }: Selection,
): Promise<number> => {
  if (!tables.hasArchive) return 0
  const batch = {
    condition: `a."messageId" IN (
      SELECT a."messageId" FROM ${ownNamesFor(tables.schema).archive} AS a
      WHERE ${condition}
      ORDER BY a."messageId"
      LIMIT ${BATCH_ROWS})`,
    values,
  }
  for (let sum = 0; ;) {
    session.signal.throwIfAborted()
    const { rows, messages } = await session.runBatch((client) => deleteFromArchive(client, tables, batch, 'aged'))
    sum += messages
    await session.onDeleted(messages)
    if (rows < BATCH_ROWS) return sum
    await session.betweenBatches()
  }
}
