import type { RunClient } from './own/own-client.js'
import { applyPending } from './apply-pending.js'
import { migrationTitle, runsInTransaction } from './ledger/migration-files.js'
import type { PlannedStep } from './plan/plan.js'
import { runFile, type RunFileOptions } from './run-file.js'
import { withShortLocks } from '../database/waiting/lock-attempts.js'
import { explainFailure, rebuildIndex, recordStep, type AppliedStep, type ApplyOptions } from './step.js'

/**
 * Applies the steps: first repairs, which leave the history as it is, then pending migrations through postgres-migrations.
 * @throws OperatorError with file, line and column when a statement fails; completed steps stay applied
 */
export const applySteps = async (
  client: RunClient,
  steps: readonly PlannedStep[],
  options: ApplyOptions,
): Promise<readonly AppliedStep[]> => {
  const applied: AppliedStep[] = []
  const onDone = (step: AppliedStep): void => {
    applied.push(step)
    const { action, durationMs } = step
    options.onEvent({ type: 'done', migration: migrationTitle(step), action: DONE_WORDS[action], durationMs })
  }
  for (const step of steps.filter(({ action }) => action === 'repair')) {
    options.signal.throwIfAborted()
    if (!runsInTransaction(step.file)) await options.beforeStep(step)
    const startedAt = performance.now()
    const done = await explainFailure(client, step, applied, () => repair(client, step, startedAt, options))
    await client.confirm()
    onDone(done)
  }
  const pending = steps.filter(({ action }) => action !== 'repair')
  if (pending.length > 0) await applyPending(client, pending, applied, options, onDone)
  return applied
}

const DONE_WORDS: Readonly<Record<PlannedStep['action'], string>> = {
  run: 'applied',
  record: 'recorded',
  rebuild: 'rebuilt',
  repair: 'repaired',
}

const repair = async (
  client: RunClient,
  step: PlannedStep,
  startedAt: number,
  options: RunFileOptions,
): Promise<AppliedStep> => {
  if (!runsInTransaction(step.file)) {
    await rebuildIndex(client, step, options)
    return recordStep(client, step, startedAt)
  }
  await options.replicas.untilQuiet(client)
  return withShortLocks(client, options, async () => {
    await runFile(client, 'transaction', { title: migrationTitle(step.file), sql: step.file.sql }, options)
    return recordStep(client, step, startedAt)
  })
}
