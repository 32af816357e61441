import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { readArchiveObjects, summariseArchive } from '../archive/archive.js'
import { breakSeal } from '../archive/seal.js'
import { reportBatches } from '../running/batch-progress.js'
import type { BatchOptions } from '../archive/in-batch.js'
import type { MigrationFile } from '../ledger/migration-files.js'

/** The unique index on the keys; the core keeps no message without it. */
const KEY_INDEX = 'index-idempotency-key'

const BATCH_ROWS = 5_000

// The key, and what else the core compares to tell a message that is sent again from another one under the same key.
const returned = (archive: string): string => `"idempotencyKey" = ${archive}."idempotencyKey",
      "guestUsername" = coalesce(m."guestUsername", ${archive}."guestUsername"),
      "guestPhone" = coalesce(m."guestPhone", ${archive}."guestPhone")`

// What has a key already keeps it. That an archived key was given to another message meanwhile, with neither column nor index
// there to do it by, only a stranger could bring about; the index then says so.
const RETURN_BATCH = `
  WITH batch AS (
    SELECT "messageId", "idempotencyKey", "guestUsername", "guestPhone"
    FROM "chatkeep_archive"
    WHERE "messageId" > $1
    ORDER BY "messageId"
    LIMIT ${BATCH_ROWS}
  ), returned AS (
    UPDATE "ChatMessage" AS m
    SET ${returned('batch')}
    FROM batch
    WHERE m."id" = batch."messageId" AND m."idempotencyKey" IS NULL AND batch."idempotencyKey" IS NOT NULL
  )
  SELECT max("messageId") AS "last", count(*)::integer AS "taken" FROM batch`

/** The same for a script: one statement, which holds the rows that it changes until it is done. */
export const RETURN_ALL_KEYS = `UPDATE "ChatMessage" AS m
SET ${returned('a')}
FROM "chatkeep_archive" AS a
WHERE m."id" = a."messageId" AND m."idempotencyKey" IS NULL AND a."idempotencyKey" IS NOT NULL`

export const makesKeyIndex = ({ file }: { readonly file: MigrationFile }): boolean => file.name === KEY_INDEX

/**
 * Gives archived messages their keys and guests back, before the step that makes the unique index: from then on the core
 * saves again, and what is sent again must meet the key under which it is stored, or it would be stored a second time.
 * @throws OperatorError `archive_changed` (exit 5)
 */
export const returnKeysBefore = async (
  client: Queryable,
  step: { readonly file: MigrationFile },
  { signal, onEvent }: BatchOptions,
): Promise<void> => {
  if (!makesKeyIndex(step)) return
  const { archive } = await readArchiveObjects(client)
  if (!archive) return
  const summary = await summariseArchive(client)
  await breakSeal(client, summary)
  const tell = reportBatches('putting keys back', summary.messages, onEvent)
  let done = 0
  for (let after: number | null = 0; after !== null;) {
    signal.throwIfAborted()
    const { last, taken }: { last: number | null; taken: number } = onlyRow(
      await client.query<{ last: number | null; taken: number }>(RETURN_BATCH, [after]),
    )
    after = last
    done += taken
    tell(done)
  }
}
