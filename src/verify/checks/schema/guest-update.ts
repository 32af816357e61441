import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { EFFECTS, type NamedEffect } from '../../../migrations/ledger/effects.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import type { RequiredColumn } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { columnFindings } from './column-findings.js'
import { hasTable, migrationState, type Facts } from '../../facts/facts.js'
import { commandLine, type Finding } from '../../finding.js'
import { indexFindings } from './index-findings.js'
import { markFindings, ownTableFindings, triggerFindings } from './own-object-findings.js'

/** Is all that the migrations add there, exactly? */
export const guestUpdate: FactCheck = {
  name: 'guest-update',
  expectations: ['migrated'],
  findings: (facts) =>
    EFFECTS.filter((effect) => !isExplained(effect, facts)).flatMap((effect) => effectFindings(effect, facts)),
}

/** A migration that is pending, and of whose effect nothing is there, is reported once, as pending. */
const isExplained = ({ migration, effect }: NamedEffect, facts: Facts): boolean =>
  migrationState(facts, migration) === 'pending' && presenceOf(effect, facts.catalog).state === 'absent'

const effectFindings = ({ effect }: NamedEffect, facts: Facts): readonly Finding[] => {
  switch (effect.kind) {
    // The tables themselves have checks of their own.
    case 'tables':
      return []
    case 'index':
      return hasTable(facts, effect.index.table) ? indexFindings(effect.index, facts) : []
    case 'columns':
      return effect.columns
        .filter(({ table }) => hasTable(facts, table))
        .flatMap((column) => addedColumnFindings(column, facts))
    case 'own-tables':
      return hasTable(facts, 'ChatMessage') ? effect.tables.flatMap((table) => ownTableFindings(table, facts)) : []
    case 'triggers':
      return hasTable(facts, 'ChatMessage') ? triggerFindings(effect, facts) : []
    case 'mark':
      return hasTable(facts, 'ChatMessage') ? markFindings(effect, facts) : []
  }
}

const addedColumnFindings = (column: RequiredColumn, facts: Facts): readonly Finding[] =>
  columnFindings(facts, column, commandLine('migrate', facts)).map((found) => {
    if (found.code === 'column_type') return { ...found, help: alterType(column, facts) }
    // What should not be NOT NULL, migrate sets right; the other way round it would read all rows.
    return found.code === 'column_nullability' && !column.nullable
      ? { ...found, help: setNotNull(column, facts) }
      : found
  })

const alterColumn = ({ table, column }: RequiredColumn, { schema }: Facts): string =>
  `ALTER TABLE ${qualified(schema, table)} ALTER COLUMN ${escapeIdentifier(column)}`

const alterType = (column: RequiredColumn, facts: Facts): string =>
  `${alterColumn(column, facts)} TYPE ${column.types[0] ?? 'text'}`

const setNotNull = (column: RequiredColumn, facts: Facts): string => `${alterColumn(column, facts)} SET NOT NULL`
