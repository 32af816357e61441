import { ExitCode, OperatorError } from '../../errors.js'
import { EFFECTS, type NamedEffect } from '../ledger/effects.js'
import { compareHistory, firstRowStatements, historyRows } from '../ledger/history.js'
import { migrationTitle, type MigrationFile } from '../ledger/migration-files.js'
import { BASE_MIGRATION } from '../ledger/migration-names.js'
import type { MigrationState } from '../ledger/migration-state.js'
import { presenceOf, type Presence } from '../ledger/presence.js'
import { ownStatements } from '../own/own-statements.js'
import { onPartitions, presenceOnPartitions, type OnPartitions } from './on-partitions.js'
import { refuseMismatch } from './refuse-mismatch.js'
import { again } from '../../next-step.js'

/**
 * What migrate does about one migration.
 * `run`: run its statements. `record`: add only its history row, because its effect is already in the database.
 * `rebuild`: drop its INVALID index, then run it. `repair`: run it again, because the history has it but its effect is gone;
 * the history row stays.
 */
export type StepAction = 'run' | 'record' | 'rebuild' | 'repair'

export interface PlannedStep {
  readonly file: MigrationFile
  readonly action: StepAction
  /** Why the migration is not simply run; empty for a plain run. */
  readonly reason: string
  /** The INVALID index to drop first. */
  readonly dropIndex?: string
  /** What runs instead of the file, where messages are partitioned. */
  readonly partitioned?: OnPartitions
}

export interface MigrationPlan {
  /** Statements that create or repair chatkeep's own schema; none when it is complete. */
  readonly own: readonly string[]
  readonly steps: readonly PlannedStep[]
  /** How many migrations need nothing. */
  readonly done: number
}

/**
 * Decides what migrate has to do. Adopts effects that are already in the database.
 * @throws OperatorError (exit 5) when the history differs from the files, or an object is in the way
 */
export const planMigrations = (state: MigrationState, effects: readonly NamedEffect[] = EFFECTS): MigrationPlan => {
  const rows = historyRows(state.history)
  const statuses = compareHistory(state.files, rows)
  refuseMismatch({ ...state, migrations: statuses })
  const decisions = state.files
    .filter(({ id }) => id > 0)
    .map((file): Decision => {
      const applied = statuses.find(({ id }) => id === file.id)?.state === 'applied'
      const effect = effects.find(({ migration }) => migration === file.name)?.effect
      const presence =
        effect === undefined ? undefined : presenceOnPartitions(file, presenceOf(effect, state.catalog), state)
      return { file, applied, presence, partitioned: onPartitions(file, effect, state) }
    })
  refuseConflicts(decisions)
  const steps = decisions.flatMap(({ file, applied, presence, partitioned }) => {
    const step = applied ? repairStep(file, presence) : pendingStep(file, presence)
    return step === undefined ? [] : [partitioned === undefined ? step : { ...step, partitioned }]
  })
  const own = [...ownStatements(state.own), ...firstRowStatements(state.own.names, state.history, state.files)]
  return { own, steps, done: decisions.length - steps.length }
}

/** Whether every step of the plan is part of the approved one. Another session may have done some of them meanwhile. */
export const isWithin = (plan: MigrationPlan, approved: MigrationPlan): boolean => {
  const steps = new Set(approved.steps.map(identify))
  return (
    plan.steps.every((step) => steps.has(identify(step))) &&
    plan.own.every((statement) => approved.own.includes(statement))
  )
}

const identify = ({ file, action, reason }: PlannedStep): string => JSON.stringify([file.id, file.hash, action, reason])

interface Decision {
  readonly file: MigrationFile
  readonly applied: boolean
  readonly presence: Presence | undefined
  readonly partitioned: OnPartitions | undefined
}

const pendingStep = (file: MigrationFile, presence: Presence | undefined): PlannedStep => {
  switch (presence?.state) {
    case 'present':
      return { file, action: 'record', reason: 'already in the database' }
    case 'partial':
      return { file, action: 'run', reason: presence.reason }
    case 'invalid':
      return { file, action: 'rebuild', reason: 'its index is INVALID', dropIndex: presence.index.name }
    default:
      return { file, action: 'run', reason: '' }
  }
}

const repairStep = (file: MigrationFile, presence: Presence | undefined): PlannedStep | undefined => {
  switch (presence?.state) {
    case 'absent':
      return { file, action: 'repair', reason: 'applied before, but its effect is gone' }
    case 'partial':
      return { file, action: 'repair', reason: `applied before, but ${presence.reason}` }
    case 'invalid':
      return {
        file,
        action: 'repair',
        reason: 'applied before, but its index is INVALID',
        dropIndex: presence.index.name,
      }
    default:
      return undefined
  }
}

const refuseConflicts = (decisions: readonly Decision[]): void => {
  const details = decisions.flatMap(({ file, applied, presence }) => {
    const title = migrationTitle(file)
    if (presence?.state === 'conflict') return presence.reasons.map((reason) => `${title}: ${reason}`)
    // Creating empty tables would hide that the application's own tables are gone.
    const vanished = applied && presence?.state === 'absent' && file.id === BASE_MIGRATION
    return vanished ? [`${title}: applied before, but the tables are gone`] : []
  })
  if (details.length === 0) return
  throw new OperatorError(
    'schema_conflict',
    'the database has a different object where a migration needs its own; nothing was changed',
    {
      exitCode: ExitCode.refused,
      details,
      hint: ['rename, drop or correct the objects named above', again()],
    },
  )
}
