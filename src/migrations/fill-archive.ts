import type { Queryable } from '../database/connection.js'
import { hasSqlState, isServerError, SqlState } from '../database/sql-state.js'
import { inTransaction } from '../database/transaction.js'
import { toStorablePhone, toUsername } from '../persistence/prepare-message.js'
import { markOwnChanges } from './archive.js'
import { findOrCreateClient } from './guest-client.js'

/** Messages a transaction; small, so that a writer who meets one of its rows waits for milliseconds. */
export const BATCH_ROWS = 5_000

// Shorter than the server's deadlock_timeout (1 s): should we and a writer wait for each other, it is we who step back.
const LOCK_TIMEOUT_MS = 200
const MAX_ATTEMPTS = 50

const SELECT_BATCH_END = `
  SELECT max("id") AS "last"
  FROM (SELECT "id" FROM "ChatMessage" WHERE "id" > $1 ORDER BY "id" LIMIT ${BATCH_ROWS}) AS batch`

/**
 * Whether the messages have the mark of unverified guests. Its migration may not be applied yet, or be undone already by
 * a rollback that was cut; then the archive keeps what it has of it.
 */
export type MarkColumn = 'with mark' | 'without mark'

/** The messages that the old schema cannot hold as they are. */
const needsArchive = (mark: MarkColumn): string => `
  (m."guestUsername" IS NOT NULL OR m."guestPhone" IS NOT NULL OR m."idempotencyKey" IS NOT NULL OR m."clientId" IS NULL
    ${mark === 'with mark' ? 'OR m."guestUnverified"' : ''})`

export const archiveBatch = (mark: MarkColumn): string => `
  INSERT INTO "chatkeep_archive"
    ("messageId", "clientId", "guestUsername", "guestPhone", "idempotencyKey", "guestUnverified")
  SELECT m."id", m."clientId", m."guestUsername", m."guestPhone", m."idempotencyKey",
    ${mark === 'with mark' ? 'm."guestUnverified"' : 'NULL'}
  FROM "ChatMessage" AS m
  WHERE m."id" > $1 AND m."id" <= $2 AND ${needsArchive(mark)}
  ORDER BY m."id"
  ON CONFLICT DO NOTHING`

/** Copies guest data of all messages into the archive, in batches; what is written meanwhile the trigger adds. */
export const fillArchive = async (client: Queryable, mark: MarkColumn): Promise<void> => {
  for (let after = '0'; ;) {
    const { rows } = await client.query<{ last: string | number | null }>(SELECT_BATCH_END, [after])
    const last = rows[0]?.last ?? null
    if (last === null) return
    await inBatch(client, () => client.query(archiveBatch(mark), [after, last]))
    after = String(last)
  }
}

const SELECT_UNLINKED_GUESTS = `
  SELECT "guestUsername" AS "username", min("guestPhone") AS "phone"
  FROM "chatkeep_archive"
  WHERE "clientId" IS NULL AND "linkedClientId" IS NULL AND "removedRow" IS NULL AND "guestUsername" IS NOT NULL
  GROUP BY "guestUsername"`

// By the guest's messages, each by its id, whatever the planner expects: before the first statistics with guests in them
// it takes messages without client for very few, and went through all of them for each guest.
export const LINK_MESSAGES = `
  WITH wanted AS MATERIALIZED (
    SELECT "messageId"
    FROM "chatkeep_archive"
    WHERE "guestUsername" = $2 AND "clientId" IS NULL AND "linkedClientId" IS NULL
  ), linked AS (
    UPDATE "ChatMessage" AS m
    SET "clientId" = $1
    FROM wanted
    WHERE m."id" = wanted."messageId" AND (m."clientId" IS NULL) IS TRUE
    RETURNING m."id"
  )
  UPDATE "chatkeep_archive" AS a
  SET "linkedClientId" = $1
  FROM linked
  WHERE a."messageId" = linked."id"`

export const KEEP_CREATED_CLIENT = `
  INSERT INTO "chatkeep_archive_client" ("clientId", "row")
  SELECT "id", to_json(c)
  FROM "Client" AS c
  WHERE "id" = $1`

/**
 * Gives every guest's message without client its client: the one of that name, else a new one, which is remembered.
 * One transaction a guest. A name nothing can be made of is left to `removeOrphans`.
 */
export const linkGuests = async (client: Queryable): Promise<void> => {
  const { rows: guests } = await client.query<{ username: string; phone: string | null }>(SELECT_UNLINKED_GUESTS)
  for (const { username, phone } of guests) {
    try {
      await inBatch(client, () => linkGuest(client, username, phone))
    } catch (error) {
      if (!isRefusedRow(error)) throw error
    }
  }
}

const linkGuest = async (client: Queryable, username: string, phone: string | null): Promise<void> => {
  const name = toUsername(username)
  if (name === '') return
  const owner = await findOrCreateClient(client, name, toStorablePhone(phone))
  if (owner === undefined) return
  if (owner.created) await client.query(KEEP_CREATED_CLIENT, [owner.id])
  await client.query(LINK_MESSAGES, [owner.id, username])
}

// The application's own rules may refuse such a client: data exception, constraint, check option, an error that a trigger raises.
const isRefusedRow = (error: unknown): boolean => isServerError(error) && /^(22|23|44|P0)/.test(error.code)

export const REMOVE_ORPHANS = `
  WITH gone AS (
    DELETE FROM "ChatMessage" AS m
    USING "chatkeep_archive" AS a
    WHERE a."messageId" = m."id" AND m."clientId" IS NULL
      AND a."clientId" IS NULL AND a."linkedClientId" IS NULL AND a."removedRow" IS NULL
    RETURNING m."id", to_json(m) AS "row"
  )
  UPDATE "chatkeep_archive" AS a
  SET "removedRow" = gone."row"
  FROM gone
  WHERE a."messageId" = gone."id"`

/** Moves messages that belong to nobody into the archive, whole: the old schema has no place for them. */
export const removeOrphans = (client: Queryable): Promise<void> =>
  inBatch(client, () => client.query(REMOVE_ORPHANS)).then(() => undefined)

export const countMissing = (mark: MarkColumn): string => `
  SELECT count(*)::integer AS "missing"
  FROM "ChatMessage" AS m
  LEFT JOIN "chatkeep_archive" AS a ON a."messageId" = m."id"
  WHERE ${needsArchive(mark)}
    AND (a."messageId" IS NULL
      OR m."guestUsername" <> coalesce(a."guestUsername", '')
      OR m."guestPhone" <> coalesce(a."guestPhone", '')
      OR m."idempotencyKey" <> coalesce(a."idempotencyKey", '')
      ${mark === 'with mark' ? 'OR m."guestUnverified" AND NOT coalesce(a."guestUnverified", false)' : ''})`

/** How many messages have guest data that the archive lacks; 0 is the permission to drop the columns. */
export const countUnarchived = async (client: Queryable, mark: MarkColumn): Promise<number> => {
  const { rows } = await client.query<{ missing: number }>(countMissing(mark))
  return rows[0]?.missing ?? 0
}

const inBatch = async <T>(client: Queryable, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
        await markOwnChanges(client)
        return work()
      })
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !hasSqlState(error, SqlState.lockNotAvailable, SqlState.deadlockDetected))
        throw error
    }
  }
}
