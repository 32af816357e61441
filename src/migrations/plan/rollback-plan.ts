import type { ReplicaPace } from '../../database/waiting/replica-lag.js'
import type { OwnClient } from '../own/own-client.js'
import type { ArchiveObjects } from '../archive/archive.js'
import { dropStatements, startStatements } from '../archive/capture.js'
import type { OnOrphans } from '../guests/orphans.js'
import { migrationTitle, runsInTransaction, type RollbackScript } from '../ledger/migration-files.js'
import type { OwnState } from '../own/own-state.js'
import type { MigrationState } from '../ledger/migration-state.js'
import type { RollbackRange } from '../ledger/rollback-range.js'
import { splitStatements } from '../ledger/split-statements.js'
import { describePlan, type PlanDetails } from './describe-plan.js'
import { splitFile } from '../source/split-file.js'
import type { DraftStep } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'
import { planHash } from './plan-hash.js'
import type { PriceTag } from './price-tag.js'
import { draftPhase, LINK_GUESTS, rollbackPhases } from './rollback-phases.js'
import type { DatabaseIdentity } from './database-identity.js'

export interface RollbackQuestion {
  readonly state: MigrationState
  readonly scripts: readonly RollbackScript[]
  readonly price: PriceTag
  readonly range: RollbackRange
  readonly onOrphans: OnOrphans
  readonly schema: string
  readonly archive: ArchiveObjects
  readonly known: readonly Obstacle[]
  readonly signal: AbortSignal
  readonly replicas: Pick<ReplicaPace, 'maxLagMs'>
}

/** The hash of a rollback's plan. */
export const rollbackPlanHash = (
  identity: DatabaseIdentity,
  state: MigrationState,
  archive: ArchiveObjects,
  scripts: readonly RollbackScript[],
  onOrphans: OnOrphans,
): string =>
  planHash({
    command: 'rollback',
    identity,
    state,
    archive,
    scripts: [`orphans: ${onOrphans}`, ...scripts.map(({ file, sql }) => `${migrationTitle(file)}: ${sql}`)],
  })

/** Describes every statement of a rollback: first the phases before the first drop, then the rollback files, newest first. */
export const describeRollback = async (client: OwnClient, question: RollbackQuestion): Promise<PlanDetails> => {
  const { state, scripts, price, range, onOrphans, schema, archive: objects, known, signal, replicas } = question
  const files = await draftScripts(scripts, range, state.own, signal)
  // The number of the session is not known yet.
  const start = startStatements(state.own, range, { processId: 0, objects })
  const phases =
    range.captureEnds === undefined ? [] : await Promise.all(rollbackPhases(state.own, range, start).map(draftPhase))
  const details = await describePlan(client, schema, state, [...phases, ...files], {
    provenNotNull: ['clientId'],
    maxLagMs: replicas.maxLagMs,
    obstacles: [...known, ...unlinkable(price), ...(onOrphans === 'abort' ? orphaned(price) : [])],
  })
  return withGuests(details, price)
}

/**
 * Splits the rollback files into statements.
 * @throws OperatorError what `splitFile` throws
 */
export const draftScripts = (
  scripts: readonly RollbackScript[],
  range: RollbackRange,
  own: OwnState,
  signal: AbortSignal,
): Promise<readonly DraftStep[]> => Promise.all(scripts.map((script) => draftScript(script, range, own, signal)))

const draftScript = async (
  { file, sql }: RollbackScript,
  { captureEnds }: RollbackRange,
  { names }: OwnState,
  signal: AbortSignal,
): Promise<DraftStep> => {
  const capture =
    file.name === captureEnds ? dropStatements(names, { trigger: true, capture: true, missedWrites: true }) : []
  return {
    title: migrationTitle(file),
    action: 'undo',
    reason: '',
    inTransaction: runsInTransaction({ sql }),
    reversible: true,
    statements: [
      ...(await splitFile({ file: `migrations/rollback/${file.fileName}`, sql }, signal)),
      ...(await splitStatements(capture.join(';\n'))),
    ],
  }
}

/** Measured with durable commits, two per guest. */
const MS_PER_GUEST = 2.5

// The estimate of a statement does not count how often it runs.
const withGuests = (details: PlanDetails, { clientsToCreate }: PriceTag): PlanDetails => {
  if (clientsToCreate === 0) return details
  const estimate = {
    ms: MS_PER_GUEST * clientsToCreate,
    basis: `${clientsToCreate} guests at ${MS_PER_GUEST} ms each`,
  }
  const steps = details.steps.map((step) => {
    if (step.title !== LINK_GUESTS) return step
    const [first, ...others] = step.statements
    return first === undefined ? step : { ...step, statements: [{ ...first, estimate }, ...others] }
  })
  return { ...details, steps, estimatedMs: details.estimatedMs + estimate.ms }
}

const unlinkable = ({ clientsToCreate, clientBarriers }: PriceTag): readonly Obstacle[] =>
  clientsToCreate === 0
    ? []
    : clientBarriers.map((barrier) => ({
        code: 'clients_cannot_be_created',
        effect: 'refused',
        text: `${clientsToCreate} guests need a client, but ${barrier}`,
      }))

const orphaned = ({ messagesToRemove }: PriceTag): readonly Obstacle[] =>
  messagesToRemove === 0
    ? []
    : [
        {
          code: 'messages_without_client',
          effect: 'refused',
          text: `${messagesToRemove} messages have neither a client nor a guest name, and --on-orphans is abort`,
        },
      ]
