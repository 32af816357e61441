import { escapeIdentifier } from '../../../database/identifier.js'
import type { NamedEffect } from '../../../migrations/ledger/effects.js'
import type { Facts } from '../../facts/facts.js'

/** Why effects of migrations were not looked at: another check reports these migrations. */
export const skippedEffects = (effects: readonly NamedEffect[], state: string): string | undefined =>
  effects.length === 0 ? undefined : `migrations are ${state}: ${effects.map(({ migration }) => migration).join(', ')}`

/** Why the ids are unknown: this role may not read the value of a sequence. */
export const unreadableSequence = ({ integrity: { sequences } }: Facts): string | undefined => {
  const hidden = sequences.find(({ table, last }) => table !== 'User' && last === null)
  return hidden && `this role may not read sequence ${escapeIdentifier(hidden.name)}`
}
