import { addGuard, validateGuard } from '../archive/archive.js'
import { BATCH_ROWS, countMissing, insertBatch, refreshBatch } from '../archive/fill.js'
import { insertClient } from '../guests/guest-client.js'
import { keepCreatedClient, linkMessages, removeAllOrphans } from '../guests/link-guests.js'
import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnState } from '../own/own-state.js'
import type { RollbackRange } from '../ledger/rollback-range.js'
import { splitStatements } from '../ledger/split-statements.js'
import type { DraftStep } from './draft-steps.js'

/** Title of the phase whose duration grows with the number of guests. */
export const LINK_GUESTS = 'link guests'

export interface Phase {
  readonly title: string
  readonly reason: string
  readonly inTransaction: boolean
  readonly statements: readonly string[]
}

/**
 * The phases that archive and link messages, before the first drop.
 * @param start the statements that create archive and trigger
 */
export const rollbackPhases = (own: OwnState, range: RollbackRange, start: readonly string[]): readonly Phase[] => [
  {
    title: 'start archive',
    reason: 'from here on, a trigger archives new writes',
    inTransaction: true,
    statements: start,
  },
  {
    title: 'archive',
    reason: `in batches of ${BATCH_ROWS.toLocaleString('en-US')} messages; writers to a row of the batch wait for milliseconds`,
    inTransaction: true,
    statements: [insertBatch(own.names, range), refreshBatch(own.names, range)],
  },
  ...(range.needsClients ? linkPhases(own.names) : []),
  {
    title: 'compare',
    reason: 'checks that the archive has all guest data',
    inTransaction: true,
    statements: [countMissing(own.names, range)],
  },
]

const linkPhases = (names: OwnNames): readonly Phase[] => [
  {
    title: LINK_GUESTS,
    reason: 'one transaction per guest; runs twice, the second time for new messages',
    inTransaction: true,
    statements: [insertClient(names), keepCreatedClient(names), linkMessages(names)],
  },
  {
    title: 'move out',
    reason: 'moves messages without client or guest name to the archive',
    inTransaction: true,
    statements: [removeAllOrphans(names)],
  },
  {
    title: 'guard',
    reason: 'from here on, every new message needs a client',
    inTransaction: true,
    statements: [addGuard(names)],
  },
  {
    title: 'check',
    reason: 'checks that every message has a client',
    inTransaction: true,
    statements: [validateGuard(names)],
  },
]

/** Splits a phase into statements. */
export const draftPhase = async ({ statements, ...phase }: Phase): Promise<DraftStep> => ({
  ...phase,
  action: 'prepare',
  reversible: true,
  statements: await splitStatements(statements.map((statement) => `${statement};\n`).join('')),
})
