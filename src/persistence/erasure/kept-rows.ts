import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { again } from '../../next-step.js'
import type { BatchSession, Selection } from './delete-messages.js'
import type { ErasureTables } from './tables.js'

/** What is done to a row, as bits of tgtype. */
const EVENTS = { INSERT: 4, DELETE: 8, UPDATE: 16 } as const

// Bits of tgtype: 1 FOR EACH ROW, 2 BEFORE. Partitions have a copy of each trigger.
const SELECT_TRIGGERS = `
  SELECT DISTINCT format('%I, function %s', t.tgname, t.tgfoid::regprocedure) AS "trigger"
  FROM pg_catalog.pg_trigger AS t
  WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 3 = 3 AND t.tgtype & $2::integer <> 0
    AND (t.tgrelid = to_regclass($1) OR t.tgrelid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(to_regclass($1)) AS p))
  ORDER BY 1`

export interface KeptRows {
  /** As SQL writes it. */
  readonly table: string
  readonly event: keyof typeof EVENTS
  /** Such as `2 messages are`. */
  readonly what: string
}

/** The error of rows that the server did not insert, delete or change although it was told to. */
export const keptRows = async (client: Queryable, { table, event, what }: KeptRows): Promise<OperatorError> => {
  const { rows } = await client.query<{ trigger: string }>(SELECT_TRIGGERS, [table, EVENTS[event]])
  return new OperatorError('rows_kept', `${what} ${STATES[event]}: a trigger keeps rows of ${table}`, {
    exitCode: ExitCode.no,
    details: rows.map(({ trigger }) => `BEFORE ${event} trigger ${trigger}`),
    hint: [HINTS[event], again('', 'it continues where it stopped')],
  })
}

const STATES = { INSERT: 'not there', DELETE: 'still there', UPDATE: 'unchanged' } as const

const HINTS = {
  INSERT: 'let the trigger return the row: one that returns NULL drops it',
  DELETE: 'let the trigger return the row: one that returns NULL keeps it',
  UPDATE: 'let the trigger return the new row: one that returns NULL or OLD, or puts columns back, keeps it',
} as const

/**
 * Whether a column that was to change is as it was before: a trigger that returns the row may have put it back. One that stores
 * another value than the wanted one, such as a name in lower case, has not kept it.
 */
export const isPutBack = <Column extends string>(
  wanted: Readonly<Partial<Record<Column, unknown>>>,
  before: Readonly<Record<NoInfer<Column>, unknown>>,
  stored: Readonly<Record<NoInfer<Column>, unknown>>,
): boolean => {
  const columns = Object.keys(wanted) as Column[]
  return columns.some((column) => wanted[column] !== before[column] && stored[column] === before[column])
}

/** How many messages a batch found, and how many of them are changed, as they are stored now. */
export interface ChangedBatch {
  readonly found: number
  readonly changed: number
}

/** @throws OperatorError `rows_kept` (exit 1) when a trigger has kept messages of the batch */
export const refuseKeptMessages = async (
  client: Queryable,
  message: string,
  { found, changed }: ChangedBatch,
  event: KeptRows['event'] = 'UPDATE',
): Promise<void> => {
  if (changed < found) throw await keptRows(client, { table: message, event, what: messagesAre(found - changed) })
}

/** @throws OperatorError `rows_kept` (exit 1) that counts the messages of a selection which are still there */
export const throwKeptMessages = async (
  session: Pick<BatchSession, 'runBatch'>,
  { names: { message } }: Pick<ErasureTables, 'names'>,
  { condition, values }: Selection,
): Promise<never> => {
  const error = await session.runBatch(async (client) => {
    const sql = `SELECT count(*)::float8 AS "messages" FROM ${message} AS m WHERE ${condition}`
    const { messages } = onlyRow(await client.query<{ messages: number }>(sql, [...values]))
    return keptRows(client, { table: message, event: 'DELETE', what: messagesAre(messages) })
  })
  throw error
}

export const messagesAre = (count: number): string =>
  count === 1 ? '1 message is' : `${count.toLocaleString('en-US')} messages are`
