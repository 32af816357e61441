import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName, findColumn } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding } from '../../finding.js'
import type { ColumnDefault } from '../../facts/integrity.js'

/** What an insert that leaves the column out should get. */
interface WantedDefault {
  readonly table: string
  readonly column: string
  readonly gives: 'false' | 'the time' | 'a new value' | 'NULL'
}

const wanted = (gives: WantedDefault['gives'], table: string, ...columns: readonly string[]): WantedDefault[] =>
  columns.map((column) => ({ table, column, gives }))

const WANTED: readonly WantedDefault[] = [
  ...wanted('a new value', 'ChatMessage', 'id'),
  ...wanted('a new value', 'Client', 'id'),
  ...wanted('the time', 'ChatMessage', 'createdAt'),
  ...wanted('the time', 'Client', 'createdAt'),
  ...wanted('false', 'ChatMessage', 'isRead', 'guestUnverified'),
  ...wanted('NULL', 'ChatMessage', 'clientId', 'guestUsername', 'guestPhone', 'idempotencyKey'),
]

/** Do inserts that leave a column out, chatkeep's or the application's, get what the column is for? How they get it is not asked. */
export const columnDefaults: FactCheck = {
  name: 'column-defaults',
  expectations: ALWAYS,
  findings: (facts) =>
    WANTED.flatMap((column) => {
      const words = difference(column, facts)
      if (words === undefined) return []
      const { severity, actual } = words
      const help = `${alterColumn(column, facts)} ${mend(column, facts)}`
      return [
        finding(severity, 'column_default', {
          object: columnName(column),
          expected: expectedText(column),
          actual,
          help,
        }),
      ]
    }),
}

/**
 * Of columns that chatkeep fills itself. An application may fill "createdAt", too, but not what it does not know.
 * A missing default of the other columns is reported by the check of columns that nobody fills.
 */
const SEVERITY_OF_NONE: Readonly<Record<string, 'error' | 'warning'>> = {
  createdAt: 'warning',
  guestUnverified: 'error',
}

interface DefaultDifference {
  readonly severity: 'error' | 'warning'
  readonly actual: string
}

const difference = (column: WantedDefault, facts: Facts): DefaultDifference | undefined => {
  const there = findColumn(facts.catalog, column.table, column.column)
  if (there === undefined) return undefined
  const actual = findDefault(column, facts)
  if (actual !== undefined) return isFit(column, actual) ? undefined : { severity: 'error', actual: describe(actual) }
  const severity = SEVERITY_OF_NONE[column.column]
  if (there.nullable || there.optional || severity === undefined) return undefined
  return { severity, actual: 'none: inserts of other programs that leave it out fail' }
}

const findDefault = ({ table, column }: WantedDefault, { integrity: { defaults } }: Facts): ColumnDefault | undefined =>
  defaults.find((candidate) => candidate.table === table && candidate.column === column)

const isFit = ({ gives }: WantedDefault, { expression, constant }: ColumnDefault): boolean => {
  if (gives === 'false') return !constant || /^\(?'?(?:false|f|0)'?\)?(?:::boolean)?$/.test(expression)
  return !constant || (gives === 'NULL' && /^NULL\b/.test(expression))
}

const describe = ({ expression, constant }: ColumnDefault): string =>
  `${expression}${constant ? ', the same at every insert' : ''}`

const expectedText = ({ gives }: WantedDefault): string => {
  if (gives === 'NULL') return 'no default'
  return gives === 'a new value' ? 'a default that gives a new value' : `a default that gives ${gives}`
}

const alterColumn = ({ table, column }: WantedDefault, { schema }: Facts): string =>
  `ALTER TABLE ${qualified(schema, table)} ALTER COLUMN ${escapeIdentifier(column)}`

const mend = ({ gives, table, column }: WantedDefault, { schema }: Facts): string => {
  switch (gives) {
    case 'false':
      return 'SET DEFAULT false'
    case 'the time':
      return 'SET DEFAULT CURRENT_TIMESTAMP'
    case 'NULL':
      return 'DROP DEFAULT'
    case 'a new value':
      return `SET DEFAULT nextval('${qualified(schema, `${table}_${column}_seq`)}')`
  }
}
