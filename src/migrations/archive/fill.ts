import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import type { Kept } from './capture.js'
import { reportBatches } from '../running/batch-progress.js'
import { inBatch, type BatchOptions } from './in-batch.js'
import type { ArchivedColumn } from '../ledger/rollback-range.js'

/** Messages a transaction; small, so that a writer who meets one of its rows waits for milliseconds. */
export const BATCH_ROWS = 5_000

const SELECT_BATCH_END = `
  SELECT max("id") AS "last"
  FROM (SELECT "id" FROM "ChatMessage" WHERE "id" > $1 ORDER BY "id" LIMIT ${BATCH_ROWS}) AS batch`

const SELECT_LAST = `SELECT coalesce(max("id"), 0)::float AS "last" FROM "ChatMessage"`

/** Copies guest data of all messages into the archive, in batches; what is written meanwhile the trigger adds. */
export const fillArchive = async (client: Queryable, kept: Kept, { signal, onEvent }: BatchOptions): Promise<void> => {
  const [insert, refresh] = [insertBatch(kept), refreshBatch(kept)]
  const { last: end } = onlyRow(await client.query<{ last: number }>(SELECT_LAST))
  const tell = reportBatches('archiving guest data', end, onEvent)
  for (let after = '0'; ;) {
    const { rows } = await client.query<{ last: string | number | null }>(SELECT_BATCH_END, [after])
    const last = rows[0]?.last ?? null
    if (last === null) return
    await inBatch(client, signal, async () => {
      await client.query(insert, [after, last])
      await client.query(refresh, [after, last])
    })
    after = String(last)
    tell(Number(last))
  }
}

const columnList = (columns: readonly ArchivedColumn[], table = ''): string =>
  columns.map((column) => `, ${table}"${column}"`).join('')

export const insertBatch = (kept: Kept): string => `
  INSERT INTO "chatkeep_archive" ("messageId", "clientId"${columnList(kept.columns)})
  SELECT m."id", m."clientId"${columnList(kept.columns, 'm.')}
  FROM "ChatMessage" AS m
  WHERE m."id" > $1 AND m."id" <= $2 AND (${needsArchive(kept)})
  ORDER BY m."id"
  ON CONFLICT DO NOTHING`

// While no trigger watched (a rollback was cut, and migrate began to undo it), the archive fell behind. The rows that differ
// are locked, so that nobody changes them between our look and our write; there are hardly ever any.
export const refreshBatch = (kept: Kept): string => `
  WITH changed AS (
    SELECT m."id", m."clientId"${columnList(kept.columns, 'm.')}
    FROM "ChatMessage" AS m
    JOIN "chatkeep_archive" AS a ON a."messageId" = m."id"
    WHERE m."id" > $1 AND m."id" <= $2 AND (${differs(kept)})
    FOR SHARE OF m
  )
  UPDATE "chatkeep_archive" AS a
  SET "clientId" = CASE WHEN m."clientId" = a."linkedClientId" THEN a."clientId" ELSE m."clientId" END,
    "linkedClientId" = CASE WHEN m."clientId" = a."linkedClientId" THEN a."linkedClientId" END,
    "removedRow" = NULL
    ${kept.columns.map(refreshed).join('')}
  FROM changed AS m
  WHERE a."messageId" = m."id"`

// A column that came back empty after a rollback has nothing to say yet.
const refreshed = (column: ArchivedColumn): string =>
  column === 'guestUnverified'
    ? `, "guestUnverified" = m."guestUnverified" OR coalesce(a."guestUnverified", false)`
    : `, "${column}" = coalesce(m."${column}", a."${column}")`

/** The messages that the old schema cannot hold as they are. */
const needsArchive = ({ columns, needsClients }: Kept): string =>
  [
    ...(needsClients ? ['m."clientId" IS NULL'] : []),
    ...columns.map((column) => (column === 'guestUnverified' ? 'm."guestUnverified"' : `m."${column}" IS NOT NULL`)),
  ].join(' OR ')

/** What the archive has of a message, but not as it is now. */
const differs = ({ columns, needsClients }: Kept): string =>
  [
    ...(needsClients ? ['m."clientId" IS DISTINCT FROM coalesce(a."linkedClientId", a."clientId")'] : []),
    ...columns.map((column) =>
      column === 'guestUnverified'
        ? 'm."guestUnverified" AND a."guestUnverified" IS NOT TRUE'
        : `m."${column}" IS NOT NULL AND m."${column}" IS DISTINCT FROM a."${column}"`,
    ),
  ].join(' OR ')

export const countMissing = (kept: Kept): string => `
  SELECT count(*)::integer AS "missing"
  FROM "ChatMessage" AS m
  LEFT JOIN "chatkeep_archive" AS a ON a."messageId" = m."id"
  WHERE (${needsArchive(kept)}) AND (a."messageId" IS NULL OR ${differs(kept)})`

/** How many messages have guest data that the archive lacks; 0 is the permission to drop the columns. */
export const countUnarchived = async (client: Queryable, kept: Kept): Promise<number> => {
  const { rows } = await client.query<{ missing: number }>(countMissing(kept))
  return rows[0]?.missing ?? 0
}
