import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName, findColumn, isUnique, UNIQUE_COLUMNS } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'

/** Are the columns unique by which clients are found, and on whose uniqueness "one client per guest" rests? */
export const uniqueColumns: FactCheck = {
  name: 'unique-columns',
  expectations: ALWAYS,
  findings: ({ catalog, schema }) =>
    UNIQUE_COLUMNS.filter(
      ([table, column]) => findColumn(catalog, table, column) !== undefined && !isUnique(catalog, table, column),
    ).map(([table, column]) =>
      finding('error', 'unique_index_missing', {
        object: columnName({ table, column }),
        expected: 'unique by a valid index over this column alone',
        actual: 'not unique',
        help: `CREATE UNIQUE INDEX CONCURRENTLY ON ${qualified(schema, table)} (${escapeIdentifier(column)})`,
      }),
    ),
}
