import type { Queryable } from '../database/connection.js'
import { escapeIdentifier, qualified } from '../database/identifier.js'
import { inTransaction } from '../database/transaction.js'
import { ExitCode, OperatorError } from '../errors.js'
import {
  dropArchive,
  dropCapture,
  dropGuard,
  ensureArchiveTables,
  readArchiveObjects,
  summariseArchive,
} from './archive.js'
import { recordRun } from './runs.js'
import { withShortLocks, type LockWaitOptions } from './short-lock.js'

/** What a migrate put back after an earlier rollback. */
export interface Restored {
  /** Messages that have their guest data again. */
  readonly messages: number
  /** Messages that had been moved out of the table and are in it again. */
  readonly returnedMessages: number
  /** Archived messages that the application deleted meanwhile; there is nothing left to give their data to. */
  readonly deletedMeanwhile: number
  /** Clients that the rollback had made and nobody used since; removed again. */
  readonly removedClients: number
  /** Clients that the rollback had made and that are in use now; kept. */
  readonly keptClients: number
}

const BATCH_ROWS = 5_000

/** Removes what an interrupted rollback left beside the archive: trigger, function, guard. */
export const clearRollbackLeftovers = async (client: Queryable, options: LockWaitOptions): Promise<boolean> => {
  const objects = await readArchiveObjects(client)
  if (!objects.trigger && !objects.capture && !objects.guard) return false
  await withShortLocks(client, options, async () => {
    await dropCapture(client, objects)
    await dropGuard(client)
  })
  return true
}

/**
 * Puts everything back that a rollback archived, batch by batch, and drops the archive when it is empty.
 * Can be cut anywhere: what is back has left the archive in the same transaction.
 * @returns undefined when there was no archive
 */
export const restoreArchive = async (client: Queryable, schema: string): Promise<Restored | undefined> => {
  const { archive, guestClients } = await readArchiveObjects(client)
  if (!archive && !guestClients) return undefined
  const startedAt = performance.now()
  if (!archive) await inTransaction(client, () => ensureArchiveTables(client))
  await checkArchive(client)
  const { messages: total } = await summariseArchive(client)
  const returnedMessages = await returnRemovedMessages(client, schema)
  const messages = await restoreGuestData(client)
  const clients = await removeCreatedClients(client, schema)
  const restored: Restored = {
    messages,
    returnedMessages,
    deletedMeanwhile: total - messages - returnedMessages,
    ...clients,
  }
  await inTransaction(client, async () => {
    if (guestClients) await client.query(RETURN_GUEST_CLIENTS)
    await recordRun(client, { action: 'restore', durationMs: performance.now() - startedAt, detail: { ...restored } })
    await dropArchive(client)
  })
  return restored
}

const RETURN_GUEST_CLIENTS = `
  INSERT INTO "chatkeep_guest_clients" ("clientId")
  SELECT "clientId" FROM "chatkeep_archive_guest_client"
  ON CONFLICT DO NOTHING`

const SELECT_LAST_ARCHIVE_RUN = `
  SELECT "action", "detail" ->> 'checksum' AS "checksum", ("detail" ->> 'messages')::integer AS "messages",
    ("detail" ->> 'guestClients')::integer AS "guestClients"
  FROM "chatkeep_runs"
  WHERE "action" IN ('archive', 'restore begun')
  ORDER BY "id" DESC
  LIMIT 1`

interface ArchiveRun {
  readonly action: string
  readonly checksum: string
  readonly messages: number
  readonly guestClients: number
}

// Only a whole archive can be compared: a restore that was cut has already taken rows out of it.
const checkArchive = async (client: Queryable): Promise<void> => {
  const { rows } = await client.query<ArchiveRun>(SELECT_LAST_ARCHIVE_RUN)
  const recorded = rows[0]
  if (recorded?.action !== 'archive') return
  const actual = await summariseArchive(client)
  const same = (['checksum', 'messages', 'guestClients'] as const).every((key) => actual[key] === recorded[key])
  if (!same) {
    const count = ({ messages, guestClients }: Omit<ArchiveRun, 'action'>): string =>
      `${messages} messages and ${guestClients} guests' clients`
    throw new OperatorError(
      'archive_changed',
      `the archive of the last rollback is not what was archived: ${count(recorded)} then, ${count(actual)} now; nothing was restored`,
      {
        exitCode: ExitCode.refused,
        hint: 'put the tables "chatkeep_archive" and "chatkeep_archive_guest_client" back from a backup; to go on without restoring, rename them',
      },
    )
  }
  await recordRun(client, { action: 'restore begun', durationMs: 0 })
}

const RESTORE_BATCH = `
  WITH batch AS (
    SELECT * FROM "chatkeep_archive" WHERE "removedRow" IS NULL ORDER BY "messageId" LIMIT ${BATCH_ROWS}
  ), restored AS (
    UPDATE "ChatMessage" AS m
    SET "guestUsername" = coalesce(m."guestUsername", batch."guestUsername"),
      "guestPhone" = coalesce(m."guestPhone", batch."guestPhone"),
      "idempotencyKey" = coalesce(m."idempotencyKey", CASE
        WHEN NOT EXISTS (SELECT FROM "ChatMessage" AS o WHERE o."idempotencyKey" = batch."idempotencyKey")
        THEN batch."idempotencyKey" END),
      "guestUnverified" = m."guestUnverified" OR coalesce(batch."guestUnverified", false),
      "clientId" = CASE WHEN m."clientId" = batch."linkedClientId" THEN batch."clientId" ELSE m."clientId" END
    FROM batch
    WHERE m."id" = batch."messageId"
    RETURNING m."id"
  ), done AS (
    DELETE FROM "chatkeep_archive" AS a
    USING batch
    WHERE a."messageId" = batch."messageId"
  )
  SELECT (SELECT count(*)::integer FROM batch) AS "taken", (SELECT count(*)::integer FROM restored) AS "restored"`

const restoreGuestData = async (client: Queryable): Promise<number> => {
  for (let sum = 0; ;) {
    const { rows } = await client.query<{ taken: number; restored: number }>(RESTORE_BATCH)
    const { taken, restored } = rows[0] ?? { taken: 0, restored: 0 }
    sum += restored
    if (taken === 0) return sum
  }
}

// Only columns that both the table and the archived rows have, and that may be written.
const SELECT_RETURN_COLUMNS = `
  SELECT a.attname AS "column"
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = to_regclass('"ChatMessage"') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND a.attname IN (
      SELECT json_object_keys("removedRow")
      FROM (SELECT "removedRow" FROM "chatkeep_archive" WHERE "removedRow" IS NOT NULL LIMIT 1) AS sample)
  ORDER BY a.attnum`

const returnRemovedMessages = async (client: Queryable, schema: string): Promise<number> => {
  const { rows } = await client.query<{ column: string }>(SELECT_RETURN_COLUMNS)
  if (rows.length === 0) return 0
  const columns = rows.map(({ column }) => escapeIdentifier(column))
  const { rows: counted } = await client.query<{ returned: number }>(`
    WITH gone AS (
      DELETE FROM "chatkeep_archive" WHERE "removedRow" IS NOT NULL RETURNING "removedRow"
    ), returned AS (
      INSERT INTO "ChatMessage" (${columns.join(', ')}) OVERRIDING SYSTEM VALUE
      SELECT ${columns.map((column) => `r.${column}`).join(', ')}
      FROM gone, json_populate_record(NULL::${qualified(schema, 'ChatMessage')}, gone."removedRow") AS r
      RETURNING 1
    )
    SELECT count(*)::integer AS "returned" FROM returned`)
  return counted[0]?.returned ?? 0
}

const SELECT_CLIENT_REFERENCES = `
  SELECT format('%I.%I', n.nspname, c.relname) AS "table", quote_ident(a.attname) AS "column", quote_ident(f.attname) AS "key"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
  JOIN pg_catalog.pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
  WHERE k.contype = 'f' AND k.confrelid = to_regclass('"Client"')`

/** A client that the rollback made goes again when nothing refers to it and nobody changed it; else it stays. */
const removeCreatedClients = async (
  client: Queryable,
  schema: string,
): Promise<Pick<Restored, 'removedClients' | 'keptClients'>> => {
  const { rows: references } = await client.query<{ table: string; column: string; key: string }>(
    SELECT_CLIENT_REFERENCES,
  )
  const messages = { table: qualified(schema, 'ChatMessage'), column: '"clientId"', key: '"id"' }
  const unused = [messages, ...references]
    .map(({ table, column, key }) => `AND NOT EXISTS (SELECT FROM ${table} AS r WHERE r.${column} = c.${key})`)
    .join('\n')
  const { rowCount: removed } = await client.query(`
    DELETE FROM "Client" AS c
    USING "chatkeep_archive_client" AS a
    WHERE c."id" = a."clientId" AND to_json(c)::text = a."row"::text
      ${unused}`)
  const { rows } = await client.query<{ kept: number }>(`
    SELECT count(*)::integer AS "kept"
    FROM "chatkeep_archive_client" AS a
    JOIN "Client" AS c ON c."id" = a."clientId"`)
  return { removedClients: removed ?? 0, keptClients: rows[0]?.kept ?? 0 }
}
