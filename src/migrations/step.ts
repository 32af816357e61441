import type { QueryResult } from 'pg'
import type { OwnClient } from './own/own-client.js'
import { escapeIdentifier } from '../database/identifier.js'
import { buildOnPartitions } from './build-on-partitions.js'
import { migrationTitle } from './ledger/migration-files.js'
import { recordRun, type RunAction } from './ledger/runs.js'
import type { PlannedStep } from './plan/plan.js'
import { withApplicationPath } from './running/application-path.js'
import { runFile, type RunFileOptions } from './run-file.js'
import { hintAfter } from './running/cancelled.js'
import { toSqlFileError } from './running/sql-error.js'
import { stateAfterFailure } from './running/state-after-failure.js'
import { again, chatkeep, or } from '../next-step.js'

export interface AppliedStep {
  readonly id: number
  readonly name: string
  readonly action: PlannedStep['action']
  readonly durationMs: number
}

export interface ApplyOptions extends RunFileOptions {
  readonly folder: string
  /** Called before a step that runs outside a transaction. */
  readonly beforeStep: (step: PlannedStep) => Promise<void>
}

/** Runs the step's file outside a transaction, after dropping the INVALID index it replaces. */
export const rebuildIndex = async (
  client: OwnClient,
  { file, dropIndex, partitioned }: PlannedStep,
  options: RunFileOptions,
): Promise<QueryResult> => {
  if (partitioned !== undefined) return buildOnPartitions(client, migrationTitle(file), partitioned, options)
  const drop = `DROP INDEX CONCURRENTLY ${escapeIdentifier(dropIndex ?? '')}`
  if (dropIndex !== undefined) await withApplicationPath(client, 'session', () => client.query(drop))
  return runFile(client, 'session', { title: migrationTitle(file), sql: file.sql }, options)
}

/** Records the step as a run. Call it in the step's own transaction, if it has one. */
export const recordStep = async (
  client: OwnClient,
  { file, action }: PlannedStep,
  startedAt: number,
): Promise<AppliedStep> => {
  const durationMs = Math.round(performance.now() - startedAt)
  await recordRun(client, {
    action: RUN_ACTIONS[action],
    migration: migrationTitle(file),
    durationMs,
    // Lets verify compare a file that is changed later with what was applied.
    detail: { sql: file.sql },
  })
  return { id: file.id, name: file.name, action, durationMs }
}

const RUN_ACTIONS: Readonly<Record<PlannedStep['action'], RunAction>> = {
  run: 'apply',
  record: 'record',
  rebuild: 'apply',
  repair: 'repair',
}

/** Runs the work of a step. A failed statement becomes an error with its place in the file and the state of the database. */
export const explainFailure = async <T>(
  client: OwnClient,
  { file }: PlannedStep,
  applied: readonly AppliedStep[],
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const state = await stateAfterFailure(client, error, file, applied)
    throw toSqlFileError(error, `migrations/${file.fileName}`, file.sql, state, await hintAfter(client, error, HINT))
  }
}

const HINT = [
  'fix the cause',
  again('', 'it continues where it stopped'),
  or(chatkeep('verify', 'see the current state')),
]
