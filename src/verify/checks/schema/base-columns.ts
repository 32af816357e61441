import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { BASE_COLUMNS, findColumn, plainType, type RequiredColumn } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { columnFindings } from './column-findings.js'
import { ALWAYS } from '../../expectation.js'
import { hasTable, type Facts } from '../../facts/facts.js'

/** Do the application's tables have the columns that chatkeep reads and writes, apart from those of the guest-chat update? */
export const baseColumns: FactCheck = {
  name: 'base-columns',
  expectations: ALWAYS,
  findings: (facts) =>
    BASE_COLUMNS.filter(({ table }) => hasTable(facts, table)).flatMap((wanted) =>
      columnFindings(facts, wanted, alterTable(facts, wanted)),
    ),
}

// chatkeep never changes these columns itself: they are the application's.
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

// Without it the server would take the instants for local time of the session that alters the table.
const inUtc = (actual: string, wanted: string, column: string): string =>
  actual.includes('with time zone') && wanted === 'timestamp without time zone'
    ? ` USING ${column} AT TIME ZONE 'UTC'`
    : ''
