import { migrationTitle } from '../../../migrations/ledger/migration-files.js'
import { BASE_MIGRATION } from '../../../migrations/ledger/migration-names.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, rollbackStep, type Finding } from '../../finding.js'
import { historyTable, MISMATCH_EXPLANATIONS, mismatchFindings, type MismatchCode } from '../history/mismatches.js'

type Code = 'migrations_left' | MismatchCode

/** Does the history end before the guest-chat update? No history, or a table of another tool, is fine. */
export const rolledBackHistory: FactCheck<Code> = {
  name: 'rolled-back-history',
  expectations: ['rolled-back'],
  needs: {},
  findings: (facts) => [
    ...mismatchFindings({ ...facts, migrations: facts.migrations.filter(({ id }) => id === BASE_MIGRATION) }),
    ...leftFindings(facts),
  ],
  explanations: {
    migrations_left: {
      title: 'the history still has migrations of the update after a rollback',
      severities: ['error'],
      meaning: `The database should be in the state before the guest-chat update, but its history records parts of
        the update as applied.`,
      cause: `No rollback was run, or it was interrupted. A rollback undoes the newest migration first and can be
        interrupted at any point.`,
      remedy: 'chatkeep rollback --dry-run shows what a rollback would cost; the command in the finding completes it.',
    },
    ...MISMATCH_EXPLANATIONS,
  },
}

const leftFindings = (facts: Facts): readonly Finding<Code>[] => {
  const left = facts.migrations.filter(({ id, state }) => id > BASE_MIGRATION && state !== 'pending' && state !== 'gap')
  if (left.length === 0) return []
  return [
    finding('error', 'migrations_left', {
      object: historyTable(facts),
      expected: 'nothing applied after migration 1',
      actual: `${left.length} applied: ${left.map(migrationTitle).join(', ')}`,
      help: rollbackStep(facts),
    }),
  ]
}
