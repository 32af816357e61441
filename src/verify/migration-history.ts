import { qualified } from '../database/identifier.js'
import { migrationTitle } from '../migrations/files.js'
import type { FactCheck } from './check.js'
import { hasChatTables, type Facts } from './facts.js'
import { commandLine, finding, type Finding } from './finding.js'
import { historyTable, mismatchFindings } from './history-findings.js'

/** Do the history and the migration files agree, in both directions, and is nothing pending? */
export const migrationHistory: FactCheck = {
  name: 'migration-history',
  expectations: ['migrated'],
  findings: (facts) => [...foreignFindings(facts), ...mismatchFindings(facts), ...pendingFindings(facts)],
}

const foreignFindings = (facts: Facts): readonly Finding[] => {
  if (facts.history.state !== 'foreign') return []
  return [
    finding('error', 'history_foreign', {
      object: historyTable(facts),
      expected: 'the table of chatkeep, or none',
      actual: `a table of another tool (columns: ${facts.history.columns.join(', ')})`,
      help: `ALTER TABLE ${qualified(facts.schema, 'migrations')} RENAME TO "other_migrations", and tell its tool the new name; or keep the chat in another schema with --schema`,
    }),
  ]
}

const pendingFindings = (facts: Facts): readonly Finding[] => {
  const pending = facts.migrations.filter(({ state }) => state === 'pending')
  // An empty database has one finding, and it is about its tables.
  if (pending.length === 0 || !hasChatTables(facts)) return []
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
