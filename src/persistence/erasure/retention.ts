import { checkValue, INSTANT } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { InvalidCall } from '../errors.js'
import { utcText } from '../ids/utc-text.js'
import { deleteAgedArchive, readAgedArchive } from './aged-archive.js'
import { archiveNeeds, type DeletedRows } from './delete-archived.js'
import { deleteMessages, type BatchSession, type Selection } from './delete-messages.js'
import { throwKeptMessages } from './kept-rows.js'
import { archiveRowNeeds } from './own-rows.js'
import { messageNeeds, type TableNeed } from './privileges.js'
import { LET_GO, readReferringRows, restrictedLines, type ReferringRows } from './references.js'
import type { ErasureTables } from './tables.js'

/** Messages of one month that are older than the limit. */
export interface AgedMonth {
  /** Such as `2024-11`, in UTC. */
  readonly month: string
  readonly messages: number
}

/** What deleting messages by age would delete. */
export interface RetentionPrice {
  readonly messages: number
  /** Oldest first. */
  readonly months: readonly AgedMonth[]
  /** What the archive of a rollback has of messages of that age: rows, and of these, whole messages that are nowhere else. */
  readonly archived: DeletedRows
  /** About how many bytes their rows have, without indexes. */
  readonly bytes: number
  /** Rows of the application that refer to these messages. */
  readonly referring: readonly ReferringRows[]
  /** Partitions that are older as a whole: to drop them is faster. */
  readonly partitions: readonly string[]
}

/** Also of the archive of a rollback, which the next migrate puts back. */
export const retainNeeds = (tables: ErasureTables): readonly TableNeed[] => [
  ...messageNeeds(tables),
  ...archiveRowNeeds(tables.schema, ['SELECT', 'DELETE']),
  ...archiveNeeds(tables),
]

/** Whether nothing is that old. */
export const isNothingAged = ({ messages, archived }: RetentionPrice): boolean => messages + archived.rows === 0

/** The messages from before an instant. @throws InvalidCall `invalid_option` for an instant to come */
export const messagesBefore = (before: Date, column = 'm."createdAt"'): Selection => {
  checkValue('before', before, INSTANT)
  if (!(before.getTime() <= Date.now()))
    throw new InvalidCall('invalid_option', 'before must not be an instant to come')
  return { condition: `${column} < $1::timestamp`, values: [utcText(before)] }
}

// All of it is in the index on the time.
const selectMonths = ({ names }: ErasureTables, { condition }: Selection): string => `
  SELECT pg_catalog.to_char(pg_catalog.date_trunc('month', m."createdAt"), 'YYYY-MM') AS "month", count(*)::float8 AS "messages"
  FROM ${names.message} AS m
  WHERE ${condition}
  GROUP BY 1
  ORDER BY 1`

/** Header and pointer of a row. */
const ROW_OVERHEAD_BYTES = 28

// From some rows of each month: the size of the table has the space of deleted rows as well.
const selectBytes = ({ names, columns }: ErasureTables, { condition, values }: Selection): string => `
  SELECT coalesce(sum(g."messages" * (
    SELECT avg(r."bytes") FROM (
      SELECT ${ROW_OVERHEAD_BYTES} + ${[...columns].map((name) => `coalesce(pg_catalog.pg_column_size(m.${escapeIdentifier(name)}), 0)`).join(' + ')} AS "bytes"
      FROM ${names.message} AS m
      WHERE ${condition} AND m."createdAt" >= (g."month" || '-01')::timestamp
        AND m."createdAt" < (g."month" || '-01')::timestamp + interval '1 month'
      LIMIT 100
    ) AS r
  )), 0)::float8 AS "bytes"
  FROM jsonb_to_recordset($${values.length + 1}::jsonb) AS g ("month" text, "messages" float8)`

// The upper bound of a range of one column, of which only dates and times are compared.
const SELECT_AGED_PARTITIONS = String.raw`
  SELECT p."name"
  FROM (
    SELECT format('%I.%I', n.nspname, c.relname) AS "name",
      substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9]{4}-[0-9: .-]+)''\)$') AS "end"
    FROM pg_catalog.pg_partition_tree(to_regclass($1)) AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE t.level = 1
  ) AS p
  WHERE p."end"::timestamp <= $2::timestamp
  ORDER BY p."end"::timestamp`

/** Counts what would be deleted; reads only. */
export const readRetentionPrice = async (
  client: Queryable,
  tables: ErasureTables,
  before: Date,
): Promise<RetentionPrice> => {
  const { message } = tables.names
  const selection = messagesBefore(before)
  const { rows: months } = await client.query<AgedMonth>(selectMonths(tables, selection), [...selection.values])
  const messages = months.reduce((sum, month) => sum + month.messages, 0)
  const { bytes } = onlyRow(
    await client.query<{ bytes: number }>(selectBytes(tables, selection), [
      ...selection.values,
      JSON.stringify(months),
    ]),
  )
  const aged = { table: message, ...messagesBefore(before, 'x."createdAt"') }
  const { rows: partitions } =
    tables.keyGuard === 'table'
      ? await client.query<{ name: string }>(SELECT_AGED_PARTITIONS, [message, utcText(before)])
      : { rows: [] }
  return {
    messages,
    months,
    archived: await readAgedArchive(client, tables, messagesBefore(before, 'a."createdAt"')),
    bytes: Math.round(bytes),
    referring: messages === 0 ? [] : await readReferringRows(client, aged, message),
    partitions: partitions.map(({ name }) => name),
  }
}

/**
 * Deletes the messages from before an instant, oldest first, then what the archive of a rollback has of such messages.
 * @returns how many were deleted
 * @throws OperatorError `rows_kept` (exit 1) when a trigger of the application keeps some
 */
export const deleteAged = async (session: BatchSession, tables: ErasureTables, before: Date): Promise<number> => {
  const selection = messagesBefore(before)
  const { deleted, isKept } = await deleteMessages(session, tables, selection, true)
  if (isKept) await throwKeptMessages(session, tables, selection)
  return deleted + (await deleteAgedArchive(session, tables, messagesBefore(before, 'a."createdAt"')))
}

/** @throws OperatorError `messages_are_referenced` (exit 5) when the server would refuse the deletion */
export const refuseReferenced = ({ referring }: Pick<RetentionPrice, 'referring'>): void => {
  const restricted = restrictedLines(referring)
  if (restricted.length === 0) return
  throw new OperatorError(
    'messages_are_referenced',
    'rows of other tables refer to messages that would be deleted; nothing was changed',
    {
      exitCode: ExitCode.refused,
      details: restricted,
      hint: LET_GO,
    },
  )
}
