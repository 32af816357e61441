import type { Pool } from 'pg'
import { withPooledClient, type BorrowLimits } from '../../database/pools/pooled-client.js'
import { BEGIN, inTransaction } from '../../database/transaction.js'
import { InvalidCall } from '../errors.js'
import { withRetries } from '../retry.js'
import { DEFAULT_BATCH_SIZE, deleteMessages, type BatchSession, type RunBatch } from './delete-messages.js'
import { refuseDuringMigration } from './migration-running.js'
import { openErasureTables } from './open-tables.js'
import { messageNeeds } from './privileges.js'
import { messagesBefore } from './retention.js'

/** Options of calls that delete in batches. */
export interface BatchOptions {
  /** Stops between two batches; what was deleted stays deleted. */
  readonly signal?: AbortSignal | undefined
  /** Messages a transaction; 1,000 when absent. */
  readonly batchSize?: number | undefined
  /** Called after each commit, with how many messages are deleted so far. */
  readonly onProgress?: ((deleted: number) => void) | undefined
}

/** What of a store the calls use. */
interface StoreParts {
  readonly schema: string
  readonly pool: () => Pool
  readonly limits: BorrowLimits
  readonly deadlineMs: number
}

/** The calls of a store that delete for good. */
export interface StoreErasure {
  deleteMessagesBefore(before: Date, options?: BatchOptions): Promise<number>
}

/** Shorter than the server's deadlock_timeout (1 s): if a writer and we wait for each other, we give way. */
const BEGIN_BATCH = `${BEGIN}; SET LOCAL lock_timeout = 200`

export const createStoreErasure = ({ schema, pool, limits, deadlineMs }: StoreParts): StoreErasure => {
  const runBatch: RunBatch = (work) =>
    withRetries(deadlineMs, () =>
      withPooledClient(pool(), limits, (client) =>
        inTransaction(
          client,
          async () => {
            await refuseDuringMigration(client)
            return work(client)
          },
          BEGIN_BATCH,
        ),
      ),
    )
  return {
    deleteMessagesBefore: async (before, options = {}) => {
      const selection = messagesBefore(before)
      const session = toSession(runBatch, options)
      const needs = { what: 'delete messages', needs: messageNeeds }
      const tables = await runBatch((client) => openErasureTables(client, schema, needs))
      return deleteMessages(session, tables, selection, true)
    },
  }
}

const toSession = (
  runBatch: RunBatch,
  { signal = new AbortController().signal, batchSize = DEFAULT_BATCH_SIZE, onProgress }: BatchOptions,
): BatchSession => {
  if (!(Number.isSafeInteger(batchSize) && batchSize >= 1))
    throw new InvalidCall('invalid_option', `batchSize is ${batchSize}, but must be a whole number of at least 1`)
  let sum = 0
  return {
    ...{ runBatch, signal, batchSize },
    onDeleted: (messages) => onProgress?.((sum += messages)),
    betweenBatches: () => Promise.resolve(),
  }
}
