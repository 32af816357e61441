import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName, findColumn } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'
import { numberIds } from '../objects/repair-column.js'
import type { ColumnDefault } from '../../facts/integrity.js'

/** The value that an insert without the column should get. */
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

/** Do inserts that omit a column get a fitting value? Any default that gives one is accepted. */
export const columnDefaults: FactCheck<'column_default'> = {
  name: 'column-defaults',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: (facts) =>
    WANTED.flatMap((column) => {
      const words = difference(column, facts)
      if (words === undefined) return []
      const { severity, actual } = words
      return [
        finding(severity, 'column_default', {
          object: columnName(column),
          expected: expectedText(column),
          actual,
          help: sql(repair(column, facts)),
        }),
      ]
    }),
  explanations: {
    column_default: {
      title: 'a default is missing or wrong',
      severities: ['error', 'warning'],
      meaning: `Inserts that omit the column get its default. If "isRead" defaults to true, operators never see the
        message as unread; if "createdAt" has a constant default, all messages get the same time; if an id has one,
        the second insert fails. Without a default, inserts of other programs fail, although those of chatkeep do not.`,
      cause: `DEFAULT 'now' instead of now(): the server evaluates 'now' once, when the default is set. Or the
        application's model has another default, or a restore left out the defaults.`,
      remedy: `Run the ALTER TABLE … ALTER COLUMN … SET DEFAULT (or DROP DEFAULT) in the finding. It changes only the
        catalog; existing rows keep their values.`,
    },
  },
}

/**
 * Severity of a missing default, for columns that chatkeep fills itself. An application can fill "createdAt", but not a column
 * that it does not know. For the other columns, the check for unfilled columns reports a missing default.
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
  return { severity, actual: 'none: inserts of other programs that omit it fail' }
}

const findDefault = ({ table, column }: WantedDefault, { integrity: { defaults } }: Facts): ColumnDefault | undefined =>
  defaults.find((candidate) => candidate.table === table && candidate.column === column)

const isFit = ({ gives }: WantedDefault, { expression, constant }: ColumnDefault): boolean => {
  if (gives === 'false') return !constant || /^\(?'?(?:false|f|0)'?\)?(?:::boolean)?$/.test(expression)
  return !constant || (gives === 'NULL' && /^NULL\b/.test(expression))
}

const describe = ({ expression, constant }: ColumnDefault): string =>
  `${expression}${constant ? ', the same for every insert' : ''}`

const expectedText = ({ gives }: WantedDefault): string => {
  if (gives === 'NULL') return 'no default'
  return gives === 'a new value' ? 'a default that gives a new value' : `a default that gives ${gives}`
}

const repair = ({ gives, table, column }: WantedDefault, { schema }: Facts): readonly string[] => {
  const alter = `ALTER TABLE ${qualified(schema, table)} ALTER COLUMN ${escapeIdentifier(column)}`
  switch (gives) {
    case 'false':
      return [`${alter} SET DEFAULT false`]
    case 'the time':
      return [`${alter} SET DEFAULT CURRENT_TIMESTAMP`]
    case 'NULL':
      return [`${alter} DROP DEFAULT`]
    case 'a new value':
      return numberIds(schema, table)
  }
}
