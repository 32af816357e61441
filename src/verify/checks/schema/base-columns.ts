import { BASE_COLUMNS } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { COLUMN_EXPLANATIONS, columnFindings, type ColumnCode } from '../objects/columns.js'
import { ALWAYS } from '../../expectation.js'
import { hasTable } from '../../facts/facts.js'
import { repairColumn } from '../objects/repair-column.js'

/** Do the application's tables have the columns that chatkeep uses, apart from those of the guest-chat update? */
export const baseColumns: FactCheck<ColumnCode> = {
  name: 'base-columns',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [], User: [] },
  findings: (facts) =>
    BASE_COLUMNS.filter(({ table }) => hasTable(facts, table)).flatMap((wanted) =>
      // chatkeep never changes these columns, because they belong to the application.
      columnFindings(facts, wanted, repairColumn(facts, wanted)),
    ),
  explanations: COLUMN_EXPLANATIONS,
}
