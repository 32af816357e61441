import { ExitCode } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import { count, duration, type Render } from '../terminal/render.js'
import { migrationTitle } from './ledger/migration-files.js'
import { needsWork, type MigratePreview, type MigrateResult } from './migrate.js'
import type { Subject } from './options.js'
import type { PlannedStep } from './plan/plan.js'
import { isRefused, REFUSED, renderPlan } from './plan/render-plan.js'
import type { Restored } from './restore/restore.js'

/** The pending steps as people read them before they agree. */
export const renderMigrateSteps = ({ plan, archivedMessages }: MigratePreview, render: Render): string => {
  const steps = plan.steps.map((step) => [migrationTitle(step.file), ACTION_WORDS[step.action], step.reason])
  return [
    steps.length === 0 ? nothingToDo(plan.done) : render.table(['migration', 'action', 'why'], steps),
    ...archiveLines(archivedMessages),
  ].join('\n')
}

const ACTION_WORDS: Readonly<Record<PlannedStep['action'], string>> = {
  run: 'apply',
  record: 'record only',
  rebuild: 'rebuild index',
  repair: 'repair',
}

/** The answer of a dry run: exit 5 when the plan cannot run. */
export const migrateDryRun = (header: string, subject: Subject, preview: MigratePreview): Answer => {
  const { plan, planHash, details, archivedMessages } = preview
  const refused = isRefused(details)
  return {
    exitCode: refused ? ExitCode.refused : ExitCode.done,
    data: {
      ...subject,
      dryRun: true,
      planHash,
      steps: plan.steps.map((step, index) => ({
        ...stepDocument(step),
        statements: details?.steps[index]?.statements ?? [],
      })),
      alreadyDone: plan.done,
      archivedMessages,
      tables: details?.tables ?? [],
      estimatedMs: details?.estimatedMs ?? 0,
      indexBytes: details?.indexBytes ?? 0,
      obstacles: details?.obstacles ?? [],
    },
    text: (render) =>
      [
        header,
        details === undefined || plan.steps.length === 0 ? nothingToDo(plan.done) : renderPlan(details, render),
        ...archiveLines(archivedMessages),
        `plan hash: ${planHash}`,
        refused ? REFUSED : dryRunVerdict(preview),
      ].join('\n'),
  }
}

const stepDocument = ({ file, action, reason }: PlannedStep): Readonly<Record<string, unknown>> => ({
  id: file.id,
  name: file.name,
  action,
  reason: reason === '' ? null : reason,
  sql: action === 'record' ? null : file.sql,
})

const dryRunVerdict = (preview: MigratePreview): string =>
  needsWork(preview)
    ? `dry run: nothing was changed; ${count(preview.plan.steps.length, 'step')} to do. Next: chatkeep migrate --plan-hash ${preview.planHash}`
    : 'dry run: nothing was changed, and nothing needs to be'

const nothingToDo = (done: number): string => `nothing to do: ${count(done, 'migration')} applied`

const archiveLines = (messages: number): readonly string[] =>
  messages === 0
    ? []
    : [`an earlier rollback archived ${count(messages, 'message')}: their guest data will be put back`]

/** The answer of a migrate that is done. */
export const migrateResult = (subject: Subject, result: MigrateResult): Answer => {
  const { steps, alreadyDone, restored, durationMs } = result
  const done = steps.length === 0 ? 'nothing had to be done' : `${count(steps.length, 'migration')} done`
  return {
    data: { ...subject, steps, alreadyDone, restored: restored ?? null, durationMs: Math.round(durationMs) },
    text: ({ paint }) =>
      [
        ...(restored === undefined ? [] : restoredLines(restored)),
        `${paint.green('ok:')} ${subject.database} is migrated: ${done}, ${alreadyDone} already there (${duration(durationMs)}). Next: chatkeep verify`,
      ].join('\n'),
  }
}

const restoredLines = (restored: Restored): readonly string[] => {
  const { messages, returnedMessages, deletedMeanwhile, removedClients, keptClients } = restored
  const returned = returnedMessages === 0 ? '' : `, and ${count(returnedMessages, 'message')} that had been moved out`
  return [
    `restored from the archive: guest data of ${count(messages, 'message')}${returned}`,
    ...(deletedMeanwhile === 0
      ? []
      : [`${count(deletedMeanwhile, 'archived message')} had been deleted by the application meanwhile`]),
    ...(removedClients + keptClients === 0
      ? []
      : [`clients created by the rollback: ${removedClients} removed, ${keptClients} kept (in use)`]),
  ]
}
