import { onlyRow } from '../../database/rows.js'
import { inTransaction } from '../../database/transaction.js'
import { refuseKeptMessages, type ChangedBatch, type KeptRows } from '../../persistence/erasure/kept-rows.js'
import type { OwnClient } from '../own/own-client.js'
import { withApplicationPath } from '../running/application-path.js'

/** A statement that moves messages from the archive to their table. */
export interface BatchStatement {
  readonly event: KeptRows['event']
  readonly sql: string
  readonly values?: readonly unknown[]
}

/**
 * Restores a batch in a transaction of its own: what a trigger keeps from its table stays in the archive, with the whole batch.
 * @throws OperatorError `rows_kept` (exit 1)
 */
export const restoreBatch = <Batch extends ChangedBatch>(
  client: OwnClient,
  { event, sql, values = [] }: BatchStatement,
): Promise<Batch> =>
  inTransaction(client, async () => {
    const batch = onlyRow(await withApplicationPath(client, 'transaction', () => client.query<Batch>(sql, [...values])))
    await refuseKeptMessages(client, client.own.message, batch, event)
    return batch
  })
