import { qualified } from '../../../database/identifier.js'
import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { migrationTitle } from '../../../migrations/ledger/migration-files.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import type { FactCheck } from '../../check.js'
import { historyRows } from '../../../migrations/ledger/history.js'
import { hasChatTables, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import { historyTable, mismatchFindings } from './history-findings.js'

/** Do the history and the migration files agree, in both directions, and is nothing pending? */
export const migrationHistory: FactCheck = {
  name: 'migration-history',
  expectations: ['migrated'],
  findings: (facts) => [...foreignFindings(facts), ...mismatchFindings(facts), ...pendingFindings(facts)],
}

const foreignFindings = (facts: Facts): readonly Finding[] => {
  // One of ours that has lost its first row is reported as damaged.
  if (facts.history.state !== 'foreign' || historyRows(facts.history, facts.files).length > 0) return []
  return [
    finding('error', 'history_foreign', {
      object: historyTable(facts),
      expected: 'the table of chatkeep, or none',
      actual: `a table of another tool (columns: ${facts.history.columns.join(', ')})`,
      help: `ALTER TABLE ${qualified(facts.schema, 'migrations')} RENAME TO "other_migrations", and tell its tool the new name; or keep the chat in another schema with --schema`,
    }),
  ]
}

/** What only chatkeep makes is there, so that there was a history once. */
const isMissing = (facts: Facts): boolean =>
  facts.history.state !== 'foreign' &&
  historyRows(facts.history, facts.files).length === 0 &&
  EFFECTS.some(
    ({ effect }) =>
      ['own-tables', 'triggers'].includes(effect.kind) && presenceOf(effect, facts.catalog).state === 'present',
  )

const missingFinding = (facts: Facts): Finding => {
  const found = EFFECTS.filter(({ effect }) => presenceOf(effect, facts.catalog).state === 'present')
  return finding('error', 'history_missing', {
    object: historyTable(facts),
    expected: 'a row for each migration that was applied',
    actual: `${facts.history.state === 'absent' ? 'missing' : 'empty'}, although the effect of ${found.length} of ${EFFECTS.length} migrations is there`,
    help: `${commandLine('migrate', facts)}: it records what is there and applies the rest`,
  })
}

const pendingFindings = (facts: Facts): readonly Finding[] => {
  const pending = facts.migrations.filter(({ state }) => state === 'pending')
  // An empty database has one finding, and it is about its tables.
  if (pending.length === 0 || !hasChatTables(facts)) return []
  if (isMissing(facts)) return [missingFinding(facts)]
  const titles = pending.map(migrationTitle).join(', ')
  return [
    finding('error', 'migrations_pending', {
      object: historyTable(facts),
      expected: `all ${facts.migrations.length} migrations applied`,
      actual: `${facts.history.state === 'absent' ? 'no history; ' : ''}${pending.length} pending: ${titles}`,
      help: commandLine('migrate', facts),
    }),
  ]
}
