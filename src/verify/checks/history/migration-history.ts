import { qualified } from '../../../database/identifier.js'
import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { migrationTitle } from '../../../migrations/ledger/migration-files.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import type { FactCheck } from '../../check.js'
import { historyRows } from '../../../migrations/ledger/history.js'
import { hasChatTables, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import { historyTable, MISMATCH_EXPLANATIONS, mismatchFindings, type MismatchCode } from './mismatches.js'

type Code = 'history_foreign' | 'history_missing' | 'migrations_pending' | MismatchCode

/** Do the history and the migration files match in both directions, with nothing pending? */
export const migrationHistory: FactCheck<Code> = {
  name: 'migration-history',
  expectations: ['migrated'],
  findings: (facts) => [...foreignFindings(facts), ...mismatchFindings(facts), ...pendingFindings(facts)],
  explanations: {
    history_foreign: {
      title: 'the table "migrations" belongs to another tool',
      severities: ['error'],
      meaning: `chatkeep keeps its history in a table "migrations" in the schema of the chat, and a table of that
        name with other columns exists. chatkeep migrate does not touch it, so nothing can be applied or rolled back.`,
      cause: 'Another migration tool (TypeORM, Laravel, Knex and others use this name) keeps its history there.',
      remedy: `Rename the table and configure its tool to use the new name (most have a setting for it), or keep the
        chat in a schema of its own.`,
    },
    history_missing: {
      title: 'the history is missing, although migrations were applied',
      severities: ['error'],
      meaning: `The database has a table that only chatkeep creates, but the table "migrations" is missing or
        empty. It is unknown what was applied from which file, and chatkeep rollback does not know what to undo.`,
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

const foreignFindings = (facts: Facts): readonly Finding<Code>[] => {
  // A history of chatkeep without its first row is reported as damaged.
  if (facts.history.state !== 'foreign' || historyRows(facts.history, facts.files).length > 0) return []
  return [
    finding('error', 'history_foreign', {
      object: historyTable(facts),
      expected: 'the history of chatkeep, or no such table',
      actual: `a table of another tool (columns: ${facts.history.columns.join(', ')})`,
      help: [
        `ALTER TABLE ${qualified(facts.schema, 'migrations')} RENAME TO "other_migrations", and configure its tool`,
        'to use the new name; or keep the chat in another schema with --schema',
      ].join(' '),
    }),
  ]
}

/** Whether objects that only chatkeep creates exist without a history. */
const isMissing = (facts: Facts): boolean =>
  facts.history.state !== 'foreign' &&
  historyRows(facts.history, facts.files).length === 0 &&
  EFFECTS.some(({ effect }) => effect.kind === 'own-tables' && presenceOf(effect, facts.catalog).state === 'present')

const missingFinding = (facts: Facts): Finding<Code> => {
  const found = EFFECTS.filter(({ effect }) => presenceOf(effect, facts.catalog).state === 'present')
  return finding('error', 'history_missing', {
    object: historyTable(facts),
    expected: 'a row for each migration that was applied',
    actual: `${facts.history.state === 'absent' ? 'missing' : 'empty'}, although the effects of ${found.length} of ${EFFECTS.length} migrations exist`,
    help: `${commandLine('migrate', facts)}: it records what exists and applies the rest`,
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
      help: commandLine('migrate', facts),
    }),
  ]
}
