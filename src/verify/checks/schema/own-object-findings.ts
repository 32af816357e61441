import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { functionState, triggerState, type ObjectState, type OwnTable } from '../../../migrations/ledger/own-objects.js'
import type { Effect } from '../../../migrations/ledger/effects.js'
import type { FindingCode } from '../../codes.js'
import { columnFindings } from './column-findings.js'
import { hasTable, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'
import { indexFindings } from './index-findings.js'

type Triggers = Extract<Effect, { kind: 'triggers' }>
type Mark = Extract<Effect, { kind: 'mark' }>

/** What is wrong with a table of chatkeep's own: missing, or not of its shape. */
export const ownTableFindings = ({ name, columns, indexes }: OwnTable, facts: Facts): readonly Finding[] => {
  const migrate = commandLine('migrate', facts)
  if (!hasTable(facts, name)) {
    const words = { object: `table ${escapeIdentifier(name)}`, expected: 'there', actual: 'missing' }
    return [finding('error', 'table_missing', { ...words, help: migrate })]
  }
  // migrate makes what is missing; it does not guess what somebody made of a table of that name.
  const rename = `ALTER TABLE ${qualified(facts.schema, name)} RENAME TO ${escapeIdentifier(`${name}_old`)}; then ${migrate}`
  return [
    ...columns.flatMap((column) => columnFindings(facts, column, rename)),
    ...indexes.flatMap((index) => indexFindings(index, facts)),
  ]
}

const ACTUAL: Readonly<Record<Exclude<ObjectState, 'ready'>, string>> = {
  missing: 'missing: the list of chats misses what is written',
  disabled: 'disabled: the list of chats misses what is written',
  differs: 'another definition',
}

/** What is wrong with the triggers that keep the list of chats, and with the functions behind them. */
export const triggerFindings = ({ triggers, functions }: Triggers, facts: Facts): readonly Finding[] => [
  ...triggers.flatMap((wanted) => {
    const state = triggerState(facts.catalog, wanted)
    if (state === 'ready') return []
    return [stateFinding(`trigger_${state}`, `trigger ${escapeIdentifier(wanted.name)} on "ChatMessage"`, state, facts)]
  }),
  ...functions.flatMap((wanted) => {
    const state = functionState(facts.catalog, wanted)
    if (state === 'ready') return []
    return [stateFinding(`function_${state}`, `function ${escapeIdentifier(wanted.name)}`, state, facts)]
  }),
]

const stateFinding = (code: FindingCode, object: string, state: keyof typeof ACTUAL, facts: Facts): Finding =>
  finding('error', code, {
    object,
    expected: 'there, enabled, as its migration made it',
    actual: ACTUAL[state],
    help: commandLine('migrate', facts),
  })

/** Whether rows that a migration brings are marked as brought. */
export const markFindings = ({ table, comment }: Mark, facts: Facts): readonly Finding[] => {
  if (!hasTable(facts, table) || facts.catalog.tableComments.get(table) === comment) return []
  return [
    finding('error', 'chats_not_filled', {
      object: `table ${escapeIdentifier(table)}`,
      expected: 'filled from the messages, which its comment says',
      actual: 'not marked as filled: chats that were there before are missing in it',
      help: commandLine('migrate', facts),
    }),
  ]
}

/** What a rollback should have taken away of chatkeep's own. */
export const ownObjectsLeft = (
  effect: Extract<Effect, { kind: 'own-tables' | 'triggers' }>,
  { catalog }: Facts,
  help: string,
): readonly Finding[] => {
  const left = (code: FindingCode, object: string): Finding =>
    finding('error', code, { object, expected: 'absent', actual: 'there', help })
  if (effect.kind === 'own-tables') {
    return effect.tables
      .filter(({ name }) => catalog.tables.includes(name))
      .map(({ name }) => left('table_left', `table ${escapeIdentifier(name)}`))
  }
  return [
    ...effect.triggers
      .filter((wanted) => triggerState(catalog, wanted) !== 'missing')
      .map(({ name }) => left('trigger_left', `trigger ${escapeIdentifier(name)} on "ChatMessage"`)),
    ...effect.functions
      .filter((wanted) => functionState(catalog, wanted) !== 'missing')
      .map(({ name }) => left('function_left', `function ${escapeIdentifier(name)}`)),
  ]
}
