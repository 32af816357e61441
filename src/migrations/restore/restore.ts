import type { OwnNames } from '../../persistence/own-names.js'
import { notedKeySql } from '../../persistence/keys/noted-key.js'
import type { OwnClient } from '../own/own-client.js'
import type { ChangedBatch } from '../../persistence/erasure/kept-rows.js'
import { dropArchive, dropGuard, readArchiveObjects, summariseArchive } from '../archive/archive.js'
import { breakSeal } from '../archive/seal.js'
import { dropCapture } from '../archive/capture.js'
import { withApplicationPath } from '../running/application-path.js'
import { reportBatches } from '../running/batch-progress.js'
import type { BatchOptions } from '../archive/in-batch.js'
import { readReferences, referencingRows } from '../guests/references.js'
import { keepReturnedKeys, readHasKeyTable } from '../partitions/key-table.js'
import { isArchived } from './is-archived.js'
import { restoreBatch } from './restore-batch.js'
import { returnRemovedMessages } from './return-removed.js'
import { recordRun } from '../ledger/runs.js'
import { withShortLocks, type LockWaitOptions } from '../../database/waiting/lock-attempts.js'

/** What a migrate restored after an earlier rollback. */
export interface Restored {
  /** Messages that got their guest data back. */
  readonly messages: number
  /** Messages that the rollback moved to the archive and that are back in the table. */
  readonly returnedMessages: number
  /** Archived messages that are gone: deleted after the rollback, or their id is another message's by now. */
  readonly deletedMeanwhile: number
  /** Clients that the rollback created and nothing uses; removed again. */
  readonly removedClients: number
  /** Clients that the rollback created and that are now in use; kept. */
  readonly keptClients: number
}

const BATCH_ROWS = 5_000

/** Drops what an interrupted rollback left besides the archive: trigger, function and guard. */
export const clearRollbackLeftovers = async (
  client: OwnClient,
  options: BatchOptions & LockWaitOptions,
): Promise<boolean> => {
  const objects = await readArchiveObjects(client)
  if (!objects.trigger && !objects.capture && !objects.missedWrites && !objects.guard) return false
  await options.replicas.untilQuiet(client)
  await withShortLocks(client, options, async () => {
    await dropCapture(client, objects)
    await dropGuard(client)
  })
  return true
}

/**
 * Restores what a rollback archived, batch by batch, and drops the empty archive. Safe to interrupt anywhere: each batch
 * leaves the archive in the transaction that restores it.
 * @returns undefined if there was no archive
 */
export const restoreArchive = async (
  client: OwnClient,
  options: BatchOptions & LockWaitOptions,
): Promise<Restored | undefined> => {
  const { archive } = await readArchiveObjects(client)
  if (!archive) return undefined
  const startedAt = performance.now()
  const summary = await summariseArchive(client)
  await breakSeal(client, summary)
  const returnedMessages = await returnRemovedMessages(client, options)
  const found = await restoreGuestData(client, summary.messages, options)
  const clients = await removeCreatedClients(client)
  const restored: Restored = {
    messages: Math.max(0, found - returnedMessages),
    returnedMessages,
    deletedMeanwhile: summary.messages - found,
    ...clients,
  }
  await withShortLocks(client, options, async () => {
    await recordRun(client, { action: 'restore', durationMs: performance.now() - startedAt, detail: { ...restored } })
    await dropArchive(client)
  })
  return restored
}

// Whether a trigger has put nothing back. A key may be another message's by now.
const IS_BACK = `(batch."guestUsername" IS NULL OR m."guestUsername" IS NOT NULL)
      AND (batch."guestPhone" IS NULL OR m."guestPhone" IS NOT NULL)
      AND (m."clientId" = batch."linkedClientId" AND batch."clientId" IS DISTINCT FROM batch."linkedClientId") IS NOT TRUE`

const restoreSql = (names: OwnNames, hasKeyTable: boolean): string => {
  const { archive, message } = names
  return `
  WITH batch AS (
    SELECT * FROM ${archive} ORDER BY "messageId" LIMIT ${BATCH_ROWS}
  ), restored AS (
    UPDATE ${message} AS m
    SET "guestUsername" = coalesce(m."guestUsername", batch."guestUsername"),
      "guestPhone" = coalesce(m."guestPhone", batch."guestPhone"),
      "idempotencyKey" = coalesce(m."idempotencyKey", CASE
        WHEN NOT EXISTS (SELECT FROM ${message} AS o WHERE o."idempotencyKey" = batch."idempotencyKey")
        THEN batch."idempotencyKey" END),
      "guestUnverified" = m."guestUnverified" OR coalesce(batch."guestUnverified", false),
      "clientId" = CASE WHEN m."clientId" = batch."linkedClientId" THEN batch."clientId" ELSE m."clientId" END
    FROM batch
    WHERE ${isArchived('batch')}
    RETURNING ${hasKeyTable ? notedKeySql('m') : 'm."id"'}, ${IS_BACK} AS "isBack"
  )${hasKeyTable ? keepReturnedKeys(names, 'restored') : ''}, done AS (
    DELETE FROM ${archive} AS a
    USING batch
    WHERE a."messageId" = batch."messageId"
  )
  SELECT (SELECT count(*)::integer FROM batch) AS "taken",
    (SELECT count(*)::integer FROM batch JOIN ${message} AS m ON ${isArchived('batch')}) AS "found",
    (SELECT count(*)::integer FROM restored WHERE "isBack") AS "changed"`
}

interface RestoredBatch extends ChangedBatch {
  readonly taken: number
}

const restoreGuestData = async (
  client: OwnClient,
  total: number,
  { signal, onEvent, replicas }: BatchOptions,
): Promise<number> => {
  const report = reportBatches('restoring guest data', total, onEvent)
  const sql = restoreSql(client.own, await readHasKeyTable(client))
  for (let sum = 0; ;) {
    signal.throwIfAborted()
    await replicas.betweenBatches(client)
    const { taken, changed } = await restoreBatch<RestoredBatch>(client, { event: 'UPDATE', sql })
    sum += changed
    if (taken === 0) return sum
    report(sum)
  }
}

/** Removes clients that the rollback created, unless something references them or they were changed. */
const removeCreatedClients = async (client: OwnClient): Promise<Pick<Restored, 'removedClients' | 'keptClients'>> => {
  const references = await readReferences(client, client.own.client)
  const messages = { table: client.own.message, column: '"clientId"', key: '"id"', equals: 'OPERATOR(pg_catalog.=)' }
  const unused = [messages, ...references]
    .map((reference) => `AND NOT EXISTS (${referencingRows(reference, 'c')})`)
    .join('\n')
  const { rowCount: removed } = await withApplicationPath(client, 'session', () =>
    client.query(`
    DELETE FROM ${client.own.client} AS c
    USING ${client.own.archivedClients} AS a
    WHERE c."id" = a."clientId" AND pg_catalog.to_json(c)::text = a."row"::text
      ${unused}`),
  )
  const { rows } = await client.query<{ kept: number }>(`
    SELECT count(*)::integer AS "kept"
    FROM ${client.own.archivedClients} AS a
    JOIN ${client.own.client} AS c ON c."id" = a."clientId"`)
  return { removedClients: removed ?? 0, keptClients: rows[0]?.kept ?? 0 }
}
