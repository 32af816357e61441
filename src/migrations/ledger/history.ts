import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import type { MigrationFile } from './migration-files.js'

/** One row of the table `migrations` of postgres-migrations. */
export interface HistoryRow {
  readonly id: number
  readonly name: string
  readonly hash: string
  /** Start of its transaction; null if the value was removed by hand. */
  readonly executedAt: Date | null
}

/** The history in one schema; `foreign` means that another tool owns the table `migrations`. */
export type History =
  | { readonly state: 'absent' }
  | {
      readonly state: 'foreign'
      readonly columns: readonly string[]
      /** Present if the columns match ours. */
      readonly rows?: readonly HistoryRow[]
    }
  | { readonly state: 'present'; readonly rows: readonly HistoryRow[] }

/** Hash of row 0, which identifies a history of postgres-migrations. */
export const FIRST_ROW_HASH = 'e18db593bcde2aca2a408c4d1100f6abba2195df'

const SELECT_HISTORY_COLUMNS = `
  SELECT a.attname AS "column"
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = 'migrations' AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`

const selectHistory = (schema: string): string => `
  SELECT "id", "name", "hash", "executed_at" AT TIME ZONE 'UTC' AS "executedAt"
  FROM ${qualified(schema, 'migrations')}
  ORDER BY "id"`

/** Reads the history of this schema. A table `migrations` in another schema is ignored. */
export const readHistory = async (client: Queryable, schema: string): Promise<History> => {
  const found = await client.query<{ column: string }>(SELECT_HISTORY_COLUMNS, [schema])
  const columns = found.rows.map(({ column }) => column)
  if (columns.length === 0) return { state: 'absent' }
  if (!['id', 'name', 'hash', 'executed_at'].every((column) => columns.includes(column)))
    return { state: 'foreign', columns }
  const { rows } = await client.query<HistoryRow>(selectHistory(schema))
  if (rows[0] !== undefined && rows[0].hash !== FIRST_ROW_HASH) return { state: 'foreign', columns, rows }
  return { state: 'present', rows }
}

/** The rows of our history, even if the row 0 that identifies it was deleted. Empty for another tool's table. */
export const historyRows = (history: History, files: readonly MigrationFile[]): readonly HistoryRow[] => {
  if (history.state === 'absent') return []
  if (history.state === 'present') return history.rows
  const rows = history.rows ?? []
  return rows.some((row) => row.id > 0 && files.some(({ id, hash }) => id === row.id && hash === row.hash)) ? rows : []
}

/** State of one migration, by comparing its file with its history row. */
export interface MigrationStatus {
  readonly id: number
  readonly name: string
  /**
   * `changed`: the file differs from what was applied. `unknown`: applied, but the file does not exist.
   * `gap`: pending, although a later migration is applied.
   */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown' | 'gap'
  readonly executedAt: Date | null
}

/** Compares files with history rows, in both directions. Omits row 0, which belongs to the library. */
export const compareHistory = (
  files: readonly MigrationFile[],
  rows: readonly HistoryRow[],
): readonly MigrationStatus[] => {
  const applied = new Map(rows.map((row) => [row.id, row]))
  const newest = Math.max(-1, ...applied.keys())
  const known = files.map(({ id, name, hash }): MigrationStatus => {
    const row = applied.get(id)
    if (row === undefined) return { id, name, state: id < newest ? 'gap' : 'pending', executedAt: null }
    return { id, name, state: row.hash === hash ? 'applied' : 'changed', executedAt: row.executedAt }
  })
  const unknown = rows
    .filter(({ id }) => !files.some((file) => file.id === id))
    .map(({ id, name, executedAt }): MigrationStatus => ({ id, name, state: 'unknown', executedAt }))
  return [...known, ...unknown].filter(({ id }) => id > 0)
}
