import type { Queryable } from '../../database/connection.js'
import { ExitCode, OperatorError } from '../../errors.js'
import type { RollbackScript } from '../ledger/migration-files.js'
import { splitFile } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'

/**
 * Refuses a rollback whose drops would fail. Checked before the first drop.
 * @throws OperatorError `column_in_use` (exit 5)
 */
export const refuseColumnsInUse = async (client: Queryable, scripts: readonly RollbackScript[]): Promise<void> => {
  const inUse = await readColumnsInUse(client, scripts)
  if (inUse.length === 0) return
  throw new OperatorError('column_in_use', 'columns that the rollback drops are in use; nothing was changed', {
    exitCode: ExitCode.refused,
    details: inUse.map(({ text }) => text),
    hint: 'drop or change the objects named above, then run chatkeep rollback again',
  })
}

const SELECT_COLUMNS_IN_USE = `
  SELECT DISTINCT a.attname AS "column", r.ev_class::regclass::text AS "view"
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.refobjid = to_regclass('"ChatMessage"') AND a.attname = ANY ($1)
  ORDER BY 1, 2`

/** Reads views and rules that use a column to be dropped, which prevents the drop. */
export const readColumnsInUse = async (
  client: Queryable,
  scripts: readonly RollbackScript[],
): Promise<readonly Obstacle[]> => {
  const dropped = (await Promise.all(scripts.map(droppedColumns))).flat()
  const { rows } = await client.query<{ column: string; view: string }>(SELECT_COLUMNS_IN_USE, [dropped])
  return rows.map(({ column, view }) => ({
    code: 'column_in_use',
    effect: 'refused',
    text: `"ChatMessage"."${column}" is used by ${view} (a view or a rule), so it cannot be dropped`,
  }))
}

/** The columns that a rollback file drops. */
export const droppedColumns = async ({ file, sql }: RollbackScript): Promise<readonly string[]> => {
  const statements = await splitFile(`migrations/rollback/${file.fileName}`, sql)
  return statements
    .flatMap(({ node }) => ('AlterTableStmt' in node ? (node.AlterTableStmt.cmds ?? []) : []))
    .flatMap((node) =>
      'AlterTableCmd' in node && node.AlterTableCmd.subtype === 'AT_DropColumn' ? (node.AlterTableCmd.name ?? []) : [],
    )
}
