import { checkValue, listOf } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { readableColumns } from '../access/readable-columns.js'
import { ID, toId, type StoredId } from '../ids/ids.js'
import type { Names } from '../sql-names.js'

/**
 * Which of these operators "User" calls inactive; none if it has no such column, or this role may not read it.
 * @param operatorIds ids in "User"; one without a row is not inactive
 */
export const readInactiveOperators = async (
  db: Queryable,
  { user }: Names,
  operatorIds: readonly number[],
): Promise<readonly number[]> => {
  checkValue('operatorIds', operatorIds, listOf(ID))
  if (operatorIds.length === 0) return []
  // The column is the application's, which may not have it.
  const columns = await readableColumns(db, user, ['id', 'isActive'])
  if (columns.length < 2 || columns.find(({ name }) => name === 'isActive')?.type !== 'boolean') return []
  const { rows } = await db.query<{ id: StoredId }>(selectInactive(user), [operatorIds])
  return rows.map(({ id }) => toId(id))
}

const selectInactive = (user: string): string => `
  SELECT "id"
  FROM ${user}
  WHERE "id" OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[]) AND "isActive" IS FALSE`
