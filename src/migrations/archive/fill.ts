import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnClient } from '../own/own-client.js'
import { onlyRow } from '../../database/rows.js'
import type { Kept } from './capture.js'
import { reportBatches } from '../running/batch-progress.js'
import { inBatch, type BatchOptions } from './in-batch.js'
import type { ArchivedColumn } from '../ledger/rollback-range.js'

/** Messages per transaction; small, so a writer to one of its rows waits only milliseconds. */
export const BATCH_ROWS = 5_000

/** Of a batch, or of all messages; as texts, because an id can be larger than a number holds. */
interface IdRange {
  readonly first: string | null
  readonly last: string | null
}

const selectRange = (from: string): string =>
  `SELECT min("id")::text AS "first", max("id")::text AS "last" FROM ${from}`

// Ids may be negative, so the first batch begins wherever there are rows.
const selectBatch = ({ message }: OwnNames, after: string | null): string =>
  selectRange(
    `(SELECT "id" FROM ${message} ${after === null ? '' : 'WHERE "id" > $1'} ORDER BY "id" LIMIT ${BATCH_ROWS}) AS batch`,
  )

/** Copies the guest data of all messages to the archive, in batches. The trigger adds new writes. */
export const fillArchive = async (
  client: OwnClient,
  kept: Kept,
  { signal, onEvent, replicas }: BatchOptions,
): Promise<void> => {
  const [insert, refresh] = [insertBatch(client.own, kept), refreshBatch(client.own, kept)]
  const all = onlyRow(await client.query<IdRange>(selectRange(client.own.message)))
  const before = Number(all.first) - 1
  const report = reportBatches('archiving guest data', Number(all.last) - before, onEvent)
  for (let after: string | null = null; ;) {
    const batch: IdRange = onlyRow(
      await client.query<IdRange>(selectBatch(client.own, after), after === null ? [] : [after]),
    )
    const { first, last } = batch
    if (last === null) return
    await replicas.betweenBatches(client)
    await inBatch(client, signal, async () => {
      await client.query(insert, [first, last])
      await client.query(refresh, [first, last])
    })
    after = last
    report(Number(last) - before)
  }
}

const columnList = (columns: readonly ArchivedColumn[], table = ''): string =>
  columns.map((column) => `, ${table}"${column}"`).join('')

const IN_BATCH = 'm."id" BETWEEN $1 AND $2'

/** Archives messages that are not archived yet. @param where which messages; those of a batch if absent */
export const insertBatch = ({ archive, message }: OwnNames, kept: Kept, where = IN_BATCH): string => `
  INSERT INTO ${archive} ("messageId", "createdAt", "clientId"${columnList(kept.columns)})
  SELECT m."id", m."createdAt", m."clientId"${columnList(kept.columns, 'm.')}
  FROM ${message} AS m
  WHERE ${where} AND (${needsArchive(kept)})
  ORDER BY m."id"
  ON CONFLICT DO NOTHING`

// Updates archive rows that went stale without the trigger: a rollback was interrupted, and migrate had begun to undo it.
// FOR SHARE keeps the few differing rows unchanged until they are archived.
export const refreshBatch = ({ archive, message }: OwnNames, kept: Kept, where = IN_BATCH): string => `
  WITH changed AS (
    SELECT m."id", m."createdAt", m."clientId"${columnList(kept.columns, 'm.')}
    FROM ${message} AS m
    JOIN ${archive} AS a ON a."messageId" = m."id"
    WHERE ${where} AND (${differs(kept)})
    FOR SHARE OF m
  )
  UPDATE ${archive} AS a
  SET "clientId" = CASE WHEN m."clientId" = a."linkedClientId" THEN a."clientId" ELSE m."clientId" END,
    "linkedClientId" = CASE WHEN m."clientId" = a."linkedClientId" THEN a."linkedClientId" END,
    "removedRow" = NULL,
    "createdAt" = m."createdAt"
    ${kept.columns.map(refreshed).join('')}
  FROM changed AS m
  WHERE a."messageId" = m."id"`

// A column that migrate just added again is empty; keep the archived value.
const refreshed = (column: ArchivedColumn): string =>
  column === 'guestUnverified'
    ? `, "guestUnverified" = m."guestUnverified" OR coalesce(${archivedOf(column)}, false)`
    : `, "${column}" = coalesce(m."${column}", ${archivedOf(column)})`

// That of another message, whose id was given to this one, is not.
const archivedOf = (column: ArchivedColumn): string =>
  `CASE WHEN a."createdAt" IS NOT DISTINCT FROM m."createdAt" THEN a."${column}" END`

/** Condition: messages that the older schema cannot hold unchanged. */
const needsArchive = ({ columns, needsClients }: Kept): string =>
  [
    ...(needsClients ? ['m."clientId" IS NULL'] : []),
    ...columns.map((column) => (column === 'guestUnverified' ? 'm."guestUnverified"' : `m."${column}" IS NOT NULL`)),
  ].join(' OR ')

/** Condition: the archived row differs from the message. */
const differs = ({ columns, needsClients }: Kept): string =>
  [
    'm."createdAt" IS DISTINCT FROM a."createdAt"',
    ...(needsClients ? ['m."clientId" IS DISTINCT FROM coalesce(a."linkedClientId", a."clientId")'] : []),
    ...columns.map((column) =>
      column === 'guestUnverified'
        ? 'm."guestUnverified" AND a."guestUnverified" IS NOT TRUE'
        : `m."${column}" IS NOT NULL AND m."${column}"::text IS DISTINCT FROM a."${column}"`,
    ),
  ].join(' OR ')

/** Counts messages whose guest data is missing from the archive. */
export const countMissing = ({ archive, message }: OwnNames, kept: Kept): string => `
  SELECT count(*)::integer AS "missing"
  FROM ${message} AS m
  LEFT JOIN ${archive} AS a ON a."messageId" = m."id"
  WHERE (${needsArchive(kept)}) AND (a."messageId" IS NULL OR ${differs(kept)})`

/** How many messages have guest data that the archive lacks. The columns are dropped only if it is 0. */
export const countUnarchived = async (client: OwnClient, kept: Kept): Promise<number> => {
  const { rows } = await client.query<{ missing: number }>(countMissing(client.own, kept))
  return rows[0]?.missing ?? 0
}
