import { escapeIdentifier } from '../../../database/identifier.js'
import { functionState, triggerState } from '../../../migrations/ledger/own-objects.js'
import type { Effect } from '../../../migrations/ledger/effects.js'
import type { Explanations } from '../../explanation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'

export const OBJECTS_LEFT_EXPLANATIONS = {
  table_left: {
    title: 'a chatkeep table remains after a rollback',
    severities: ['error'],
    meaning: 'This table belongs to the guest-chat update, and a rollback drops it. The rollback is incomplete.',
    cause: 'The rollback was interrupted, or the table was created later, by hand or by a partial restore.',
    remedy: `Run the command in the finding; it completes the rollback. Objects that the history does not record are
      first recorded by chatkeep migrate.`,
  },
  trigger_left: {
    title: 'a chatkeep trigger remains after a rollback',
    severities: ['error'],
    meaning: `A rollback drops this trigger. If its function or table is already gone, every insert into
      "ChatMessage" fails.`,
    cause: 'The rollback was interrupted, or a restore brought the trigger back.',
    remedy: 'Run the command in the finding.',
  },
  function_left: {
    title: 'a chatkeep function remains after a rollback',
    severities: ['error'],
    meaning: 'A rollback drops this function. It does nothing on its own, but shows that the rollback is incomplete.',
    cause: 'The rollback was interrupted, or a restore brought the function back.',
    remedy: 'Run the command in the finding.',
  },
} as const satisfies Explanations

export type ObjectLeftCode = keyof typeof OBJECTS_LEFT_EXPLANATIONS

/** Tables, triggers and functions of chatkeep that a rollback should have dropped. */
export const ownObjectsLeft = (
  effect: Extract<Effect, { kind: 'own-tables' | 'triggers' }>,
  { catalog }: Facts,
  help: string,
): readonly Finding<ObjectLeftCode>[] => {
  const left = (code: ObjectLeftCode, object: string): Finding<ObjectLeftCode> =>
    finding('error', code, { object, expected: 'absent', actual: 'present', help })
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
