import type { Queryable } from '../../database/connection.js'
import { toId, type StoredId } from '../ids/ids.js'
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
  if (operatorIds.length === 0) return []
  const { rowCount } = await db.query(SELECT_COLUMN, [user])
  if (rowCount !== 1) return []
  const { rows } = await db.query<{ id: StoredId }>(selectInactive(user), [operatorIds])
  return rows.map(({ id }) => toId(id))
}

// An error would stand in the log of the server every minute. The column is the application's, which may not have it.
const SELECT_COLUMN = `
  SELECT
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1::pg_catalog.text)
    AND a.attname OPERATOR(pg_catalog.=) 'isActive'::pg_catalog.name
    AND a.atttypid OPERATOR(pg_catalog.=) 'pg_catalog.bool'::pg_catalog.regtype
    AND NOT a.attisdropped
    AND pg_catalog.has_column_privilege(a.attrelid, 'id'::pg_catalog.text, 'SELECT'::pg_catalog.text)
    AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'::pg_catalog.text)`

const selectInactive = (user: string): string => `
  SELECT "id"
  FROM ${user}
  WHERE "id" OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[]) AND "isActive" IS FALSE`
