import { escapeIdentifier, qualified } from '../database/identifier.js'
import { EFFECTS, presenceOf, type NamedEffect } from '../migrations/effects.js'
import { describeIndex, findIndex, indexState, type RequiredColumn, type RequiredIndex } from '../persistence/shape.js'
import type { FactCheck } from './check.js'
import { columnFindings } from './column-findings.js'
import { hasTable, migrationState, type Facts } from './facts.js'
import { commandLine, finding, type Finding } from './finding.js'

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
  // The tables themselves have checks of their own.
  if (effect.kind === 'tables') return []
  if (effect.kind === 'index') return hasTable(facts, effect.index.table) ? indexFindings(effect.index, facts) : []
  return effect.columns
    .filter(({ table }) => hasTable(facts, table))
    .flatMap((column) =>
      columnFindings(facts, column, commandLine('migrate', facts)).map((found) =>
        found.code === 'column_type' ? { ...found, help: alterType(column, facts) } : found,
      ),
    )
}

const alterType = ({ table, column, types }: RequiredColumn, { schema }: Facts): string =>
  `ALTER TABLE ${qualified(schema, table)} ALTER COLUMN ${escapeIdentifier(column)} TYPE ${types[0] ?? 'text'}`

const indexFindings = (wanted: RequiredIndex, facts: Facts): readonly Finding[] => {
  const words = { object: `index ${escapeIdentifier(wanted.name)}`, expected: describeIndex(wanted) }
  const migrate = commandLine('migrate', facts)
  switch (indexState(facts.catalog, wanted)) {
    case 'ready':
      return []
    case 'missing':
      return [finding('error', 'index_missing', { ...words, actual: 'missing', help: migrate })]
    case 'invalid':
      return [
        finding('error', 'index_invalid', { ...words, actual: 'INVALID: a concurrent build died', help: migrate }),
      ]
    case 'conflict':
      return [
        finding('error', 'index_differs', {
          ...words,
          actual: actualIndex(wanted, facts),
          help: `${renameIndex(wanted, facts)}; then ${migrate}`,
        }),
      ]
  }
}

const actualIndex = ({ name }: RequiredIndex, { catalog }: Facts): string => {
  const actual = findIndex(catalog, name)
  return actual === undefined ? 'something else' : describeIndex(actual)
}

const renameIndex = ({ name }: RequiredIndex, { schema }: Facts): string =>
  `ALTER INDEX ${qualified(schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}`
