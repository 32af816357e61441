import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { BASE_COLUMNS, findColumn, plainType, type RequiredColumn } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { COLUMN_EXPLANATIONS, columnFindings, type ColumnCode } from '../objects/columns.js'
import { ALWAYS } from '../../expectation.js'
import { hasTable, type Facts } from '../../facts/facts.js'

/** Do the application's tables have the columns that chatkeep uses, apart from those of the guest-chat update? */
export const baseColumns: FactCheck<ColumnCode> = {
  name: 'base-columns',
  expectations: ALWAYS,
  findings: (facts) =>
    BASE_COLUMNS.filter(({ table }) => hasTable(facts, table)).flatMap((wanted) =>
      columnFindings(facts, wanted, alterTable(facts, wanted)),
    ),
  explanations: COLUMN_EXPLANATIONS,
}

// chatkeep never changes these columns, because they belong to the application.
const alterTable = ({ catalog, schema }: Facts, { table, column, types, nullable }: RequiredColumn): string => {
  const actual = findColumn(catalog, table, column)
  const name = escapeIdentifier(column)
  const type = types[0] ?? 'text'
  const begin = `ALTER TABLE ${qualified(schema, table)}`
  if (actual === undefined) return `${begin} ADD COLUMN ${name} ${type}${nullable ? '' : ' NOT NULL'}`
  if (!types.includes(plainType(actual.type)))
    return `${begin} ALTER COLUMN ${name} TYPE ${type}${inUtc(actual.type, type, name)}`
  return `${begin} ALTER COLUMN ${name} ${nullable ? 'DROP' : 'SET'} NOT NULL`
}

// Without it, the server would convert to the time zone of the session that runs ALTER TABLE.
const inUtc = (actual: string, wanted: string, column: string): string =>
  actual.includes('with time zone') && wanted === 'timestamp without time zone'
    ? ` USING ${column} AT TIME ZONE 'UTC'`
    : ''
