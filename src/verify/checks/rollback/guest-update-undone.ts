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
import { columnFindings } from '../schema/column-findings.js'
import { hasTable, migrationState, type Facts } from '../../facts/facts.js'
import { commandLine, finding, rollbackCommand, type Finding } from '../../finding.js'
import { ownObjectsLeft } from '../schema/own-object-findings.js'

/** Is all that the guest-chat update added gone, and does every message need its client again? */
export const guestUpdateUndone: FactCheck = {
  name: 'guest-update-undone',
  expectations: ['rolled-back'],
  findings: (facts) =>
    EFFECTS.filter((effect) => !isExplained(effect, facts)).flatMap((effect) => leftFindings(effect, facts)),
}

/** A migration that is still in the history, with all of its effect, is reported once, by the history. */
const isExplained = ({ migration, effect }: NamedEffect, facts: Facts): boolean =>
  migrationState(facts, migration) === 'applied' && presenceOf(effect, facts.catalog).state === 'present'

const leftFindings = ({ effect }: NamedEffect, facts: Facts): readonly Finding[] => {
  switch (effect.kind) {
    // The application's tables stay; a mark goes with its table.
    case 'tables':
    case 'mark':
      return []
    case 'index':
      return indexLeft(effect.index, facts)
    case 'columns':
      return effect.columns.flatMap((column) =>
        column === CLIENT_ID ? clientIdFindings(facts) : columnLeft(column, facts),
      )
    case 'own-tables':
    case 'triggers':
      return ownObjectsLeft(effect, facts, wayBack(facts))
  }
}

// What is there and not in the history, a rollback does not see; migrate records it first.
const wayBack = (facts: Facts): string => {
  const isRecorded = facts.migrations.some(({ id, state }) => id > 1 && state === 'applied')
  return isRecorded ? rollbackCommand(facts) : `${commandLine('migrate', facts)} && ${rollbackCommand(facts)}`
}

const clientIdFindings = (facts: Facts): readonly Finding[] =>
  hasTable(facts, CLIENT_ID.table) ? columnFindings(facts, { ...CLIENT_ID, nullable: false }, wayBack(facts)) : []

const columnLeft = (wanted: RequiredColumn, facts: Facts): readonly Finding[] => {
  const actual = findColumn(facts.catalog, wanted.table, wanted.column)
  if (actual === undefined) return []
  const words = { object: columnName(wanted), expected: 'absent', actual: actual.type }
  return [finding('error', 'column_left', { ...words, help: wayBack(facts) })]
}

const indexLeft = ({ name }: RequiredIndex, facts: Facts): readonly Finding[] => {
  const actual = findIndex(facts.catalog, name)
  if (actual === undefined) return []
  const words = { object: `index ${escapeIdentifier(name)}`, expected: 'absent', actual: describeIndex(actual) }
  return [finding('error', 'index_left', { ...words, help: wayBack(facts) })]
}
