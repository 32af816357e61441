import { checkValue, listOf } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { readableColumns } from '../access/readable-columns.js'
import { ID, toId, type StoredId } from '../ids/ids.js'
import type { Names } from '../sql-names.js'

/** The columns of "User" that may hold a name, the better one first; the table is the application's. */
const NAME_COLUMNS = ['name', 'username']

/**
 * The names of operators by their ids in "User". None for an id without a row, and none at all where the table has no such
 * column, or this role may not read it.
 */
export const readOperatorNames = async (
  db: Queryable,
  { user }: Names,
  operatorIds: readonly number[],
): Promise<ReadonlyMap<number, string>> => {
  checkValue('operatorIds', operatorIds, listOf(ID))
  if (operatorIds.length === 0) return new Map()
  const readable = new Set((await readableColumns(db, user, ['id', ...NAME_COLUMNS])).map(({ name }) => name))
  const column = NAME_COLUMNS.find((name) => readable.has(name))
  if (column === undefined || !readable.has('id')) return new Map()
  const { rows } = await db.query<{ id: StoredId; name: string | null }>(selectNames(user, column), [operatorIds])
  return new Map(rows.flatMap(({ id, name }) => (name === null ? [] : [[toId(id), name]])))
}

const selectNames = (user: string, column: string): string => `
  SELECT "id", "${column}"::pg_catalog.text AS "name"
  FROM ${user}
  WHERE "id" OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[])`
