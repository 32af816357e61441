import { historyRows, type HistoryRow } from '../../../migrations/ledger/history.js'
import { withoutCopies } from '../../../migrations/plan/obstacles/doubled-rows.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { historyTable } from './mismatches.js'
import { chatkeep, sql } from '../../../next-step.js'

type Code = 'history_damaged'

/** Does the history have its first row, and no duplicate rows? */
export const damagedHistory: FactCheck<Code> = {
  name: 'damaged-history',
  expectations: ALWAYS,
  needs: {},
  skips: ({ history }) => (historyRows(history).length === 0 ? 'there is no history' : undefined),
  findings: (facts) => {
    const rows = historyRows(facts.history)
    return rows.length === 0 ? [] : [...firstRowFindings(rows, facts), ...doubleFindings(rows, facts)]
  },
  explanations: {
    history_damaged: {
      title: 'the history has no valid first row, or has duplicate rows',
      severities: ['error'],
      meaning: `Row 0 identifies the table as a history of postgres-migrations. Without it, or with
        another hash, that library stops. Two rows with the same number contradict each other.`,
      cause: 'Rows were deleted or inserted by hand, or a restore ran twice into a table without a primary key.',
      remedy: 'Run the command or statement in the finding, then chatkeep verify again.',
    },
  },
}

const firstRowFindings = (rows: readonly HistoryRow[], facts: Facts): readonly Finding<Code>[] => {
  const first = rows.find(({ id }) => id === 0)
  const [wanted] = facts.files
  if (wanted === undefined || first?.hash === wanted.hash) return []
  return [
    finding('error', 'history_damaged', {
      object: historyTable(facts),
      expected: 'row 0, which marks it as a history of chatkeep',
      actual: first === undefined ? 'no row 0' : 'row 0 has another hash',
      help: chatkeep('migrate'),
    }),
  ]
}

const doubleFindings = (rows: readonly HistoryRow[], facts: Facts): readonly Finding<Code>[] => {
  const doubled = [
    ...new Set(rows.filter(({ id }, index) => rows.findIndex((row) => row.id === id) < index).map(({ id }) => id)),
  ]
  if (doubled.length === 0) return []
  return [
    finding('error', 'history_damaged', {
      object: historyTable(facts),
      expected: 'one row for each migration',
      actual: `more than one for ${doubled.join(', ')}`,
      help: sql(withoutCopies(facts.own, { name: 'migrations', key: 'id' })),
    }),
  ]
}
