import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnClient } from '../own/own-client.js'
import { onlyRow } from '../../database/rows.js'
import { readArchiveObjects, summariseArchive } from '../archive/archive.js'
import { breakSeal } from '../archive/seal.js'
import { withApplicationPath } from '../running/application-path.js'
import { reportBatches } from '../running/batch-progress.js'
import type { BatchOptions } from '../archive/in-batch.js'
import { KEY_INDEX_MIGRATION } from '../ledger/migration-names.js'
import type { MigrationFile } from '../ledger/migration-files.js'
import { isArchived } from './is-archived.js'

const BATCH_ROWS = 5_000

// The key, and the columns that the core compares to tell a resent message from another message with the same key.
const returned = (archive: string): string => `"idempotencyKey" = ${archive}."idempotencyKey",
      "guestUsername" = coalesce(m."guestUsername", ${archive}."guestUsername"),
      "guestPhone" = coalesce(m."guestPhone", ${archive}."guestPhone")`

// A message that already has a key keeps it. If another tool gave an archived key to a different message, the unique index
// reports it.
const returnBatch = ({ archive, message }: OwnNames, after: string | null): string => `
  WITH batch AS (
    SELECT "messageId", "createdAt", "idempotencyKey", "guestUsername", "guestPhone"
    FROM ${archive}
    ${after === null ? '' : 'WHERE "messageId" > $1'}
    ORDER BY "messageId"
    LIMIT ${BATCH_ROWS}
  ), returned AS (
    UPDATE ${message} AS m
    SET ${returned('batch')}
    FROM batch
    WHERE ${isArchived('batch')} AND m."idempotencyKey" IS NULL AND batch."idempotencyKey" IS NOT NULL
  )
  SELECT max("messageId")::text AS "last", count(*)::integer AS "taken" FROM batch`

interface ReturnedBatch {
  /** Its largest id, as text; null after the last batch. */
  readonly last: string | null
  readonly taken: number
}

/** The same as one statement, for a script. It locks all changed rows until the end. */
export const returnAllKeys = ({ archive, message }: OwnNames): string => `UPDATE ${message} AS m
SET ${returned('a')}
FROM ${archive} AS a
WHERE ${isArchived('a')} AND m."idempotencyKey" IS NULL AND a."idempotencyKey" IS NOT NULL`

/** Whether the step creates the unique index on the keys. */
export const makesKeyIndex = ({ file }: { readonly file: MigrationFile }): boolean => file.name === KEY_INDEX_MIGRATION

/**
 * Restores keys and guest names of archived messages before the step that creates the unique index. With the index, the
 * core saves again, and a resent message must find its stored key, or it would be stored twice.
 * @throws OperatorError `archive_changed` (exit 5)
 */
export const returnKeysBefore = async (
  client: OwnClient,
  step: { readonly file: MigrationFile },
  { signal, onEvent, replicas }: BatchOptions,
): Promise<void> => {
  if (!makesKeyIndex(step)) return
  const { archive } = await readArchiveObjects(client)
  if (!archive) return
  const summary = await summariseArchive(client)
  await breakSeal(client, summary)
  const report = reportBatches('restoring keys', summary.messages, onEvent)
  let done = 0
  for (let after: string | null = null; ;) {
    signal.throwIfAborted()
    await replicas.betweenBatches(client)
    const batch: ReturnedBatch = onlyRow(
      await withApplicationPath(client, 'session', () =>
        client.query<ReturnedBatch>(returnBatch(client.own, after), after === null ? [] : [after]),
      ),
    )
    const { last, taken } = batch
    if (last === null) return
    after = last
    done += taken
    report(done)
  }
}
