import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { hasSqlState, SqlState, type ServerError } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'

/** What the server does with rows that refer to a deleted row. */
export type OnDelete = 'cascade' | 'set null' | 'set default' | 'restrict'

/** A foreign key of a table outside of the chat; all names are quoted for SQL. */
interface ForeignKey {
  readonly table: string
  readonly onDelete: OnDelete
  readonly readable: boolean
  /** The condition that a row `r` refers to a row `x`. */
  readonly refers: string
}

/** Rows of the application that refer to what is to be deleted. */
export interface ReferringRows {
  readonly table: string
  readonly onDelete: OnDelete
  /** Null where this role may not read the table. */
  readonly rows: number | null
}

// The foreign key of a partition is part of its parent's.
const SELECT_FOREIGN_KEYS = `
  SELECT format('%I.%I', n.nspname, c.relname) AS "table",
    CASE k.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' ELSE 'restrict' END AS "onDelete",
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS "readable",
    (
      SELECT string_agg(format('x.%I OPERATOR(%I.%s) r.%I', f.attname, s.nspname, o.oprname, a.attname), ' AND ' ORDER BY p."place")
      FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS p ("column", "key", "equals", "place")
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p."column"
      JOIN pg_catalog.pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = p."key"
      JOIN pg_catalog.pg_operator AS o ON o.oid = p."equals"
      JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace
    ) AS "refers"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = to_regclass($1) AND k.conrelid IS DISTINCT FROM to_regclass($2)
  ORDER BY 1, 2`

/**
 * Reads which rows of other tables refer to some rows of a table.
 * @param from the table, quoted for SQL, and a condition on its rows `x`
 * @param except a table of the chat, whose rows are deleted as well
 */
export const readReferringRows = async (
  client: Queryable,
  from: { readonly table: string; readonly condition: string; readonly values: readonly unknown[] },
  except: string,
): Promise<readonly ReferringRows[]> => {
  const { rows: keys } = await client.query<ForeignKey>(SELECT_FOREIGN_KEYS, [from.table, except])
  const found: ReferringRows[] = []
  for (const { table, onDelete, readable, refers } of keys) {
    const sql = `
      SELECT count(*)::integer AS "rows" FROM ${table} AS r
      WHERE EXISTS (SELECT FROM ${from.table} AS x WHERE ${refers} AND (${from.condition}))`
    const rows = readable ? onlyRow(await client.query<{ rows: number }>(sql, [...from.values])).rows : null
    if (rows !== 0) found.push({ table, onDelete, rows })
  }
  return found
}

/** The error of a deletion that a foreign key of another table refused; every other error unchanged. */
export const explainReferenced = (error: unknown, what: string): unknown =>
  // With a context it is the error of a trigger, or of what a deletion cascades to.
  hasSqlState(error, SqlState.foreignKeyViolation, SqlState.restrictViolation) && error.where === undefined
    ? new OperatorError(
        'messages_are_referenced',
        `${referringTable(error)} refer to ${what}; nothing of it was deleted`,
        {
          exitCode: ExitCode.refused,
          sqlState: error.code,
          hint: LET_GO,
          cause: error,
        },
      )
    : error

const referringTable = ({ schema, table }: ServerError): string =>
  schema === undefined || table === undefined ? 'rows of another table' : `rows of ${qualified(schema, table)}`

/** What to do about rows whose foreign keys allow no deletion. */
export const LET_GO = 'delete those rows first, or let their foreign keys be ON DELETE CASCADE or SET NULL'

/** The rows because of which the server would refuse the deletion, as lines of an error. */
export const restrictedLines = (referring: readonly ReferringRows[]): readonly string[] =>
  referring
    .filter(({ onDelete, rows }) => onDelete === 'restrict' && rows !== null)
    .map(
      ({ table, rows }) => `${table}: ${rows} ${rows === 1 ? 'row' : 'rows'}, and the foreign key allows no deletion`,
    )
