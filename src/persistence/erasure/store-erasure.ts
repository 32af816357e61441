import type { Pool } from 'pg'
import { withPooledClient, type BorrowLimits } from '../../database/pools/pooled-client.js'
import { BEGIN, inTransaction } from '../../database/transaction.js'
import { toId } from '../ids/ids.js'
import { withRetries, type RetryLimits } from '../retry.js'
import type { BatchOptions, EraseOptions } from '../store/call-options.js'
import { DEFAULT_BATCH_SIZE, type BatchSession, type RunBatch } from './delete-messages.js'
import { erasePerson, readPersonPrice, refuseReferencedPerson } from './erase-person.js'
import { refuseDuringMigration } from './migration-running.js'
import { sayingHowFar } from './done-so-far.js'
import { openErasureTables } from './open-tables.js'
import { checkPerson, findPerson, type Person } from './person.js'
import { ERASURE_NEEDS } from './needs.js'
import { deleteAged, messagesBefore } from './retention.js'

/** What of a store the calls use. */
interface StoreParts {
  readonly schema: string
  readonly pool: () => Pool
  readonly limits: BorrowLimits & RetryLimits
}

/** The calls of a store that delete for good. */
export interface StoreErasure {
  deleteMessagesBefore(before: Date, options?: BatchOptions): Promise<number>
  eraseContact(person: Person, options?: EraseOptions): Promise<ErasedContact>
}

/** What was deleted. */
export interface ErasedContact {
  /** At least, if a connection broke before an answer. */
  readonly messages: number
  /** Ids of the clients that were deleted, or anonymised. */
  readonly clientIds: readonly number[]
  /** Ids of clients that were not meant, but had one of the names, or have messages that were written under one. */
  readonly otherClientIds: readonly number[]
}

/** Shorter than the server's deadlock_timeout (1 s): if a writer and we wait for each other, we give way. */
const BEGIN_BATCH = `${BEGIN}; SET LOCAL lock_timeout = 200`

export const createStoreErasure = ({ schema, pool, limits }: StoreParts): StoreErasure => {
  const runBatch: RunBatch = (work) =>
    withRetries(limits, (signal) =>
      withPooledClient(pool(), { ...limits, signal }, (client) =>
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
      messagesBefore(before)
      const session = toSession(runBatch, options)
      const tables = await runBatch((client) => openErasureTables(client, schema, ERASURE_NEEDS.retain))
      return sayingHowFar(session.deleted, 'deleted', () => deleteAged(session, tables, before))
    },
    eraseContact: async (person, options = {}) => {
      checkPerson(person)
      const session = toSession(runBatch, options)
      const clientRow = options.keepClient === true ? 'anonymise' : 'delete'
      const tables = await runBatch((client) => openErasureTables(client, schema, ERASURE_NEEDS.erase))
      const found = await runBatch((client) => findPerson(client, tables, person))
      refuseReferencedPerson(await runBatch((client) => readPersonPrice(client, tables, found)), clientRow)
      const messages = await sayingHowFar(session.deleted, 'deleted', () =>
        erasePerson(session, tables, found, clientRow),
      )
      return {
        messages,
        clientIds: found.clients.map(({ id }) => toId(id)),
        otherClientIds: found.otherClients.map(toId),
      }
    },
  }
}

const toSession = (
  runBatch: RunBatch,
  { signal = new AbortController().signal, batchSize = DEFAULT_BATCH_SIZE, onProgress }: BatchOptions,
): BatchSession & { readonly deleted: () => number } => {
  let sum = 0
  return {
    ...{ runBatch, signal, batchSize },
    deleted: () => sum,
    onDeleted: (messages) => {
      sum += messages
      return onProgress?.(sum)
    },
    betweenBatches: () => Promise.resolve(),
  }
}
