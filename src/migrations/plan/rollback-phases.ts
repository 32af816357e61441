import { ADD_GUARD, VALIDATE_GUARD } from '../archive/archive.js'
import { startStatements } from '../archive/capture.js'
import { BATCH_ROWS, countMissing, insertBatch, refreshBatch } from '../archive/fill.js'
import { INSERT_CLIENT } from '../guests/guest-client.js'
import { KEEP_CREATED_CLIENT, LINK_MESSAGES, REMOVE_ORPHANS } from '../guests/link-guests.js'
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

/** The phases that archive and link messages, before the first drop. */
export const rollbackPhases = (schema: string, range: RollbackRange): readonly Phase[] => [
  {
    title: 'start archive',
    reason: 'from here on, a trigger archives new writes',
    inTransaction: true,
    statements: startStatements(schema, range),
  },
  {
    title: 'archive',
    reason: `in batches of ${BATCH_ROWS.toLocaleString('en-US')} messages; writers to a row of the batch wait for milliseconds`,
    inTransaction: true,
    statements: [insertBatch(range), refreshBatch(range)],
  },
  ...(range.needsClients ? LINK_PHASES : []),
  {
    title: 'compare',
    reason: 'checks that the archive has all guest data',
    inTransaction: true,
    statements: [countMissing(range)],
  },
]

const LINK_PHASES: readonly Phase[] = [
  {
    title: LINK_GUESTS,
    reason: 'one transaction per guest; runs twice, the second time for new messages',
    inTransaction: true,
    statements: [INSERT_CLIENT, KEEP_CREATED_CLIENT, LINK_MESSAGES],
  },
  {
    title: 'move out',
    reason: 'moves messages without client or guest name to the archive',
    inTransaction: true,
    statements: [REMOVE_ORPHANS],
  },
  {
    title: 'guard',
    reason: 'from here on, every new message needs a client',
    inTransaction: true,
    statements: [ADD_GUARD],
  },
  {
    title: 'check',
    reason: 'checks that every message has a client',
    inTransaction: true,
    statements: [VALIDATE_GUARD],
  },
]

/** Splits a phase into statements. */
export const draftPhase = async ({ statements, ...phase }: Phase): Promise<DraftStep> => ({
  ...phase,
  action: 'prepare',
  reversible: true,
  statements: await splitStatements(statements.map((statement) => `${statement};\n`).join('')),
})
