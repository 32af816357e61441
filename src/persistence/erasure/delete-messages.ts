import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { qualified } from '../../database/identifier.js'
import { ownSchema } from '../own-names.js'
import { explainReferenced } from './references.js'
import type { ErasureTables } from './tables.js'

/** Messages, as a condition on `m` whose parameters begin at $1. */
export interface Selection {
  readonly condition: string
  readonly values: readonly unknown[]
}

/** Runs work in a short transaction of its own, and repeats it while others hold what it needs. */
export type RunBatch = <T>(work: (client: Queryable) => Promise<T>) => Promise<T>

/** What deletes rows beside live traffic. */
export interface BatchSession {
  readonly runBatch: RunBatch
  /** Messages a transaction. */
  readonly batchSize: number
  /** Stops the work between two batches. */
  readonly signal: AbortSignal
  /** Called after each commit whose answer came, with how many messages it deleted, and awaited. */
  readonly onDeleted: (messages: number) => unknown
  /** Waits for standbys. */
  readonly betweenBatches: () => Promise<void>
}

/** What became of the messages of a selection. */
export interface DeletedMessages {
  readonly deleted: number
  /** Whether a trigger of the application kept some of them. */
  readonly isKept: boolean
}

/** Few, so that a writer who wants one of its rows waits only milliseconds. */
export const DEFAULT_BATCH_SIZE = 1_000

const LONGEST_REST_MS = 1_000

/**
 * Deletes messages in batches, each committed by itself, so that it can be stopped and repeated at any time. First whatever
 * nobody has locked; then it waits for the rest. It rests as long as it works: writers keep most of the disk.
 * @param oldestFirst for a selection by age, which an index on the time serves: no batch reads again what earlier ones deleted
 */
export const deleteMessages = async (
  session: BatchSession,
  tables: ErasureTables,
  selection: Selection,
  oldestFirst = false,
): Promise<DeletedMessages> => {
  let sum = 0
  let isKept = false
  for (const locked of ['skip', 'wait'] as const) {
    let after: string | null = null
    for (;;) {
      session.signal.throwIfAborted()
      const startedAt = performance.now()
      const batch: Batch = { tables, selection, oldestFirst, locked, after, batchSize: session.batchSize }
      const { found, deleted, last }: DeletedBatch = await session.runBatch((client) => deleteBatch(client, batch))
      isKept ||= deleted < found
      if (deleted === 0) break
      sum += deleted
      after = oldestFirst ? last : null
      await session.onDeleted(deleted)
      if (found < session.batchSize) break
      await session.betweenBatches()
      await rest(performance.now() - startedAt, session.signal)
    }
  }
  return { deleted: sum, isKept }
}

const rest = (workedMs: number, signal: AbortSignal): Promise<void> =>
  delay(Math.min(workedMs, LONGEST_REST_MS), undefined, { signal }).catch(() => undefined)

interface Batch {
  readonly tables: ErasureTables
  readonly selection: Selection
  readonly oldestFirst: boolean
  readonly locked: 'skip' | 'wait'
  readonly after: string | null
  readonly batchSize: number
}

interface DeletedBatch {
  readonly found: number
  readonly deleted: number
  /** The newest time of a deleted message. */
  readonly last: string | null
}

/** Deletes one batch in the caller's transaction. */
export const deleteBatch = async (client: Queryable, batch: Batch): Promise<DeletedBatch> =>
  onlyRow(
    await client
      .query<DeletedBatch>(deleteSql(batch), [
        ...batch.selection.values,
        ...(batch.after === null ? [] : [batch.after]),
      ])
      .catch((error: unknown) => {
        throw explainReferenced(error, 'messages that are to be deleted')
      }),
  )

// The time of a partitioned table's row finds its partition.
const deleteSql = ({ tables, selection, oldestFirst, locked, after, batchSize }: Batch): string => {
  const { names, keyGuard } = tables
  const position = after === null ? '' : ` AND m."createdAt" >= $${selection.values.length + 1}::timestamp`
  const samePartition = keyGuard === 'table' ? ' AND m."createdAt" = batch."createdAt"' : ''
  const key = tables.columns.has('idempotencyKey') ? 'm."idempotencyKey"' : 'NULL::text AS "idempotencyKey"'
  return `
  WITH batch AS MATERIALIZED (
    SELECT m."id", m."createdAt"
    FROM ${names.message} AS m
    WHERE (${selection.condition})${position}
    ${oldestFirst ? 'ORDER BY m."createdAt" NULLS FIRST' : ''}
    LIMIT ${batchSize}
    FOR UPDATE OF m${locked === 'skip' ? ' SKIP LOCKED' : ''}
  ), deleted AS (
    DELETE FROM ${names.message} AS m
    USING batch
    WHERE m."id" = batch."id"${samePartition}
    RETURNING m."id", m."createdAt", ${key}
  )${
    keyGuard === 'index'
      ? ''
      : `, freed AS (
    DELETE FROM ${names.messageKeys} AS k
    USING deleted
    WHERE k."idempotencyKey" = deleted."idempotencyKey" AND k."messageId" = deleted."id"
  )`
  }${[...tables.forgettable].map((table) => forgettingSql(qualified(ownSchema(tables.schema), table), table)).join('')}
  SELECT (SELECT count(*)::integer FROM batch) AS "found", count(*)::integer AS "deleted", max("createdAt")::text AS "last" FROM deleted`
}

// What is said of a message goes with it. Its key is free then, as is that of any other message that is gone.
const forgettingSql = (table: string, name: string): string => `, "forgotten ${name}" AS (
    DELETE FROM ${table} AS f
    USING deleted
    WHERE f."idempotencyKey" = deleted."idempotencyKey"
  )`
