import { migrationTitle } from '../../../migrations/ledger/migration-files.js'
import { BASE_MIGRATION } from '../../../migrations/ledger/rollback-range.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, rollbackCommand, type Finding } from '../../finding.js'
import { historyTable, mismatchFindings } from '../history/history-findings.js'

/** Does the history end before the guest-chat update? Another tool's table, or none, says nothing of it either. */
export const rolledBackHistory: FactCheck = {
  name: 'rolled-back-history',
  expectations: ['rolled-back'],
  findings: (facts) => [
    ...mismatchFindings({ ...facts, migrations: facts.migrations.filter(({ id }) => id === BASE_MIGRATION) }),
    ...leftFindings(facts),
  ],
}

const leftFindings = (facts: Facts): readonly Finding[] => {
  const left = facts.migrations.filter(({ id, state }) => id > BASE_MIGRATION && state !== 'pending' && state !== 'gap')
  if (left.length === 0) return []
  return [
    finding('error', 'migrations_left', {
      object: historyTable(facts),
      expected: 'nothing applied after migration 1',
      actual: `${left.length} applied: ${left.map(migrationTitle).join(', ')}`,
      help: rollbackCommand(facts),
    }),
  ]
}
