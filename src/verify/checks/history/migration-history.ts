import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { migrationTitle } from '../../../migrations/ledger/migration-files.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import type { FactCheck } from '../../check.js'
import { historyRows } from '../../../migrations/ledger/history.js'
import { hasChatTables, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { historyTable, MISMATCH_EXPLANATIONS, mismatchFindings, type MismatchCode } from './mismatches.js'
import { chatkeep } from '../../../next-step.js'

type Code = 'history_missing' | 'migrations_pending' | MismatchCode

/** Do the history and the migration files match in both directions, with nothing pending? */
export const migrationHistory: FactCheck<Code> = {
  name: 'migration-history',
  expectations: ['migrated'],
  needs: {},
  skips: (facts) => (hasChatTables(facts) ? undefined : 'there are no tables of a chat'),
  findings: (facts) => [...mismatchFindings(facts), ...pendingFindings(facts)],
  explanations: {
    history_missing: {
      title: 'the history is missing, although migrations were applied',
      severities: ['error'],
      meaning: `Chatkeep's own schema has tables, but the table "migrations" there is missing or empty. It is unknown what was applied from which file, and chatkeep rollback does not know what to undo.`,
      cause: `The table was dropped or truncated, or a restore or copy included only the application's tables.`,
      remedy: `Run chatkeep migrate. It compares every migration with the database, records those that are fully
        applied, and applies the rest. It changes no data.`,
    },
    migrations_pending: {
      title: 'migrations are pending',
      severities: ['error'],
      meaning: `This version of chatkeep has migrations that were not applied to this database. Until they are,
        saving or reading messages may fail: an application that was deployed before its migration once lost messages
        in production for days.`,
      cause: 'A new version was deployed, but chatkeep migrate was not run afterwards, or not on this database.',
      remedy: 'chatkeep migrate --dry-run shows the plan; chatkeep migrate applies it under live traffic.',
    },
    ...MISMATCH_EXPLANATIONS,
  },
}

/** Whether chatkeep's schema is there, or what only chatkeep creates, without a history. */
const isMissing = (facts: Facts): boolean =>
  historyRows(facts.history).length === 0 && (facts.own.found?.tables.length ?? 0) > 0

const missingFinding = (facts: Facts): Finding<Code> => {
  const found = EFFECTS.filter(({ effect }) => presenceOf(effect, facts.catalog).state === 'present')
  return finding('error', 'history_missing', {
    object: historyTable(facts),
    expected: 'a row for each migration that was applied',
    actual: `${facts.history.state === 'absent' ? 'missing' : 'empty'}, although the effects of ${found.length} of ${EFFECTS.length} migrations exist`,
    help: chatkeep('migrate', 'it records what exists and applies the rest'),
  })
}

const pendingFindings = (facts: Facts): readonly Finding<Code>[] => {
  const pending = facts.migrations.filter(({ state }) => state === 'pending')
  // An empty database has a single finding, about its tables.
  if (pending.length === 0 || !hasChatTables(facts)) return []
  if (isMissing(facts)) return [missingFinding(facts)]
  const titles = pending.map(migrationTitle).join(', ')
  return [
    finding('error', 'migrations_pending', {
      object: historyTable(facts),
      expected: `all ${facts.migrations.length} migrations applied`,
      actual: `${facts.history.state === 'absent' ? 'no history; ' : ''}${pending.length} pending: ${titles}`,
      help: chatkeep('migrate'),
    }),
  ]
}
