import { escapeLiteral } from 'pg'
import type { Queryable } from '../../database/connection.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { isOurs } from '../own/own-conflicts.js'
import { findOwnTable, type OwnState } from '../own/own-state.js'
import type { MigrationFile } from './migration-files.js'

/** One row of the table `migrations` of postgres-migrations. */
export interface HistoryRow {
  readonly id: number
  readonly name: string
  readonly hash: string
  /** Start of its transaction; null if the value was removed by hand. */
  readonly executedAt: Date | null
}

/** The history of this schema. */
export type History = { readonly state: 'absent' } | { readonly state: 'present'; readonly rows: readonly HistoryRow[] }

const selectHistory = ({ migrations }: OwnNames): string => `
  SELECT "id", "name", "hash", "executed_at" AT TIME ZONE 'UTC' AS "executedAt"
  FROM ${migrations}
  ORDER BY "id"`

/** Reads the history. Tables `migrations` of other tools, in whatever schema, do not matter. */
export const readHistory = async (client: Queryable, own: OwnState): Promise<History> => {
  if (findOwnTable(own, 'migrations') === undefined || !isOurs(own, 'migrations')) return { state: 'absent' }
  const { rows } = await client.query<HistoryRow>(selectHistory(own.names))
  return { state: 'present', rows }
}

/** The rows of the history; none without one. */
export const historyRows = (history: History): readonly HistoryRow[] =>
  history.state === 'present' ? history.rows : []

/** The statement that writes or corrects row 0, which postgres-migrations expects; none when it is right. */
export const firstRowStatements = (
  { migrations }: OwnNames,
  history: History,
  [first]: readonly MigrationFile[],
): readonly string[] => {
  if (first === undefined) return []
  const row = historyRows(history).find(({ id }) => id === first.id)
  if (row === undefined) return [insertHistoryRow(first, migrations)]
  return row.hash === first.hash ? [] : [updateHistoryRow(first, migrations)]
}

/** The values of a migration's row in the history: id, name and hash, as SQL. */
export const historyValues = ({ id, name, hash }: MigrationFile): string =>
  `${id}, ${escapeLiteral(name)}, ${escapeLiteral(hash)}`

/** The statement that writes a migration's row. */
export const insertHistoryRow = (file: MigrationFile, migrations: string): string =>
  `INSERT INTO ${migrations} ("id", "name", "hash") VALUES (${historyValues(file)})`

/** The statement that makes the row of a migration that of its file. */
export const updateHistoryRow = ({ id, name, hash }: MigrationFile, migrations: string): string =>
  `UPDATE ${migrations} SET "name" = ${escapeLiteral(name)}, "hash" = ${escapeLiteral(hash)} WHERE "id" = ${id}`

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
