import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { OwnTable } from '../../../migrations/ledger/own-objects.js'
import { hasTable, type Facts } from '../../facts/facts.js'
import { commandLine, type Finding } from '../../finding.js'
import { columnFindings, type ColumnCode } from './columns.js'
import { indexFindings, type IndexCode } from './indexes.js'
import { tableMissing } from './table-missing.js'

/** Whether a table of chatkeep is missing, or lacks columns or indexes. */
export const ownTableFindings = (
  { name, columns, indexes }: OwnTable,
  facts: Facts,
): readonly Finding<'table_missing' | ColumnCode | IndexCode>[] => {
  const migrate = commandLine('migrate', facts)
  if (!hasTable(facts, name)) return [tableMissing(name, facts, migrate)]
  // chatkeep migrate creates what is missing. It does not alter an existing table, which may belong to another program.
  const rename = `ALTER TABLE ${qualified(facts.schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}; then ${migrate}`
  return [
    ...columns.flatMap((column) => columnFindings(facts, column, rename)),
    ...indexes.flatMap((index) => indexFindings(index, facts)),
  ]
}
