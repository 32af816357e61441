import { escapeIdentifier } from '../../../database/identifier.js'
import { EFFECTS, type NamedEffect } from '../../../migrations/ledger/effects.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import {
  CLIENT_ID,
  columnName,
  describeIndex,
  findColumn,
  findIndex,
  type RequiredColumn,
  type RequiredIndex,
} from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { COLUMN_EXPLANATIONS, columnFindings, type ColumnCode } from '../objects/columns.js'
import { hasTable, migrationState, type Facts } from '../../facts/facts.js'
import { finding, rollbackStep, type Finding } from '../../finding.js'
import { chatkeep, type Next } from '../../../next-step.js'
import { skippedEffects } from '../objects/skipped.js'

type Code = 'column_left' | 'index_left' | ColumnCode

/** Is everything that the guest-chat update added gone, and is "clientId" NOT NULL again? */
export const guestUpdateUndone: FactCheck<Code> = {
  name: 'guest-update-undone',
  expectations: ['rolled-back'],
  needs: { ChatMessage: [], Client: [] },
  skips: (facts) =>
    skippedEffects(
      // The application's tables stay, also after a rollback.
      EFFECTS.filter((effect) => effect.effect.kind !== 'tables' && isExplained(effect, facts)),
      'still applied',
    ),
  findings: (facts) =>
    EFFECTS.filter((effect) => !isExplained(effect, facts)).flatMap((effect) => leftFindings(effect, facts)),
  explanations: {
    column_left: {
      title: 'a column of the update remains after a rollback',
      severities: ['error'],
      meaning: `This column belongs to the guest-chat update, and a rollback drops it. While it exists, an older
        version of the application may fail on it, and guest data is stored in two places.`,
      cause: 'The rollback was interrupted, or the update was applied by hand and is not recorded in the history.',
      remedy: 'Run the command in the finding. It archives the contents of the column and drops it.',
    },
    index_left: {
      title: 'an index of the update remains after a rollback',
      severities: ['error'],
      meaning: `This index belongs to the guest-chat update, and a rollback drops it. It does no harm, but every
        write has to update it for nothing.`,
      cause: 'The rollback was interrupted, or the update was applied by hand and is not recorded in the history.',
      remedy: 'Run the command in the finding.',
    },
    ...COLUMN_EXPLANATIONS,
  },
}

/** A migration that is still recorded and fully applied is reported once, by the check of the history. */
const isExplained = ({ migration, effect }: NamedEffect, facts: Facts): boolean =>
  migrationState(facts, migration) === 'applied' && presenceOf(effect, facts.catalog).state === 'present'

const leftFindings = ({ effect }: NamedEffect, facts: Facts): readonly Finding<Code>[] => {
  switch (effect.kind) {
    // The application's tables stay.
    case 'tables':
      return []
    case 'index':
      return indexLeft(effect.index, facts)
    case 'columns':
      return effect.columns.flatMap((column) =>
        column === CLIENT_ID ? clientIdFindings(facts) : columnLeft(column, facts),
      )
  }
}

// A rollback undoes only what the history records, so migrate has to record it first.
const wayBack = (facts: Facts): Next => {
  const isRecorded = facts.migrations.some(({ id, state }) => id > 1 && state === 'applied')
  return isRecorded ? rollbackStep(facts) : [chatkeep('migrate'), rollbackStep(facts)]
}

const clientIdFindings = (facts: Facts): readonly Finding<Code>[] =>
  hasTable(facts, CLIENT_ID.table) ? columnFindings(facts, { ...CLIENT_ID, nullable: false }, wayBack(facts)) : []

const columnLeft = (wanted: RequiredColumn, facts: Facts): readonly Finding<Code>[] => {
  const actual = findColumn(facts.catalog, wanted.table, wanted.column)
  if (actual === undefined) return []
  const words = { object: columnName(wanted), expected: 'absent', actual: actual.type }
  return [finding('error', 'column_left', { ...words, help: wayBack(facts) })]
}

const indexLeft = ({ name }: RequiredIndex, facts: Facts): readonly Finding<Code>[] => {
  const actual = findIndex(facts.catalog, name)
  if (actual === undefined) return []
  const words = { object: `index ${escapeIdentifier(name)}`, expected: 'absent', actual: describeIndex(actual) }
  return [finding('error', 'index_left', { ...words, help: wayBack(facts) })]
}
