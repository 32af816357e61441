import { EFFECTS, type NamedEffect } from '../../../migrations/ledger/effects.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import { CLIENT_ID, type RequiredColumn } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { COLUMN_EXPLANATIONS, columnFindings, type ColumnCode } from '../objects/columns.js'
import { hasTable, migrationState, type Facts } from '../../facts/facts.js'
import { type Finding } from '../../finding.js'
import { findingsOnEach } from '../../findings-on-each.js'
import { INDEX_EXPLANATIONS, indexFindings, type IndexCode } from '../objects/indexes.js'
import { chatkeep } from '../../../next-step.js'
import { repairColumn } from '../objects/repair-column.js'
import { skippedEffects } from '../objects/skipped.js'

type Code = ColumnCode | IndexCode

/** Does everything that the migrations add exist, with the right definition? */
export const guestUpdate: FactCheck<Code> = {
  name: 'guest-update',
  expectations: ['migrated'],
  needs: { ChatMessage: [], Client: [] },
  skips: (facts) =>
    skippedEffects(
      EFFECTS.filter((effect) => isExplained(effect, facts)),
      'pending',
    ),
  findings: (facts) =>
    findingsOnEach(EFFECTS, (effect) => (isExplained(effect, facts) ? [] : effectFindings(effect, facts))),
  explanations: {
    ...COLUMN_EXPLANATIONS,
    ...INDEX_EXPLANATIONS,
  },
}

/** A pending migration without any effect yet is reported once, as pending. */
const isExplained = ({ migration, effect }: NamedEffect, facts: Facts): boolean =>
  migrationState(facts, migration) === 'pending' && presenceOf(effect, facts.catalog).state === 'absent'

const effectFindings = ({ effect }: NamedEffect, facts: Facts): readonly Finding<Code>[] => {
  switch (effect.kind) {
    // The application's tables have their own check.
    case 'tables':
      return []
    case 'index':
      return hasTable(facts, effect.index.table) ? indexFindings(effect.index, facts) : []
    case 'columns':
      return effect.columns
        .filter(({ table }) => hasTable(facts, table))
        .flatMap((column) => addedColumnFindings(column, facts))
  }
}

const addedColumnFindings = (column: RequiredColumn, facts: Facts): readonly Finding<Code>[] =>
  columnFindings(facts, column, chatkeep('migrate')).map((found) => {
    // migrate adds a column and drops the NOT NULL of "clientId"; changing a type or setting NOT NULL reads all rows.
    const isMigrates =
      found.code === 'column_missing' || (found.code === 'column_nullability' && column.column === CLIENT_ID.column)
    return isMigrates ? found : { ...found, help: repairColumn(facts, column) }
  })
