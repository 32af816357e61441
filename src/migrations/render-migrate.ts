import { ExitCode } from '../errors.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import { printable } from '../terminal/printable.js'
import { count, duration, type Render } from '../terminal/render.js'
import { migrationTitle } from './ledger/migration-files.js'
import { needsWork, type MigratePreview, type MigrateResult } from './migrate.js'
import type { Subject } from './options.js'
import { restoreBytes } from './plan/price-tag.js'
import { bytesLines } from './plan/screens/render-price-tag.js'
import type { MigrationPlan, PlannedStep } from './plan/plan.js'
import { renderPlan, type PlanView } from './plan/screens/render-plan.js'
import { refusalDocument, renderRefusal } from './plan/screens/render-refusal.js'
import { chatkeep, describeSteps, inEarnest, type TargetNaming } from '../next-step.js'
import { toObstacleDocument } from './plan/obstacle.js'
import type { Restored } from './restore/restore.js'

/** The pending steps as people read them before they agree. */
export const renderMigrateSteps = ({ plan, ownTitle, archivedMessages }: MigratePreview, render: Render): string => {
  const steps = [
    ...(plan.own.length === 0 ? [] : [[ownTitle, creates(plan) ? 'create' : 'repair', "chatkeep's own tables"]]),
    ...plan.steps.map((step) => [migrationTitle(step.file), ACTION_WORDS[step.action], step.reason]),
  ]
  return [
    steps.length === 0 ? nothingToDo(plan.done) : render.table(['migration', 'action', 'why'], steps),
    ...archiveLines(archivedMessages),
  ].join('\n')
}

// A missing schema is created whole; otherwise something in it is put right.
const creates = ({ own }: MigrationPlan): boolean => own[0]?.startsWith('CREATE SCHEMA') === true

const ACTION_WORDS: Readonly<Record<PlannedStep['action'], string>> = {
  run: 'apply',
  record: 'record only',
  rebuild: 'rebuild index',
  repair: 'repair',
}

/** The answer of a dry run, with the exit code of the run. */
export const migrateDryRun = (
  header: string,
  subject: Subject,
  preview: MigratePreview,
  { naming, verbose }: PlanView,
): Answer => {
  const { plan, planHash, details, archivedMessages, refusal } = preview
  const described = details?.steps ?? []
  const [ownDetails] = described
  const stepDetails = plan.own.length === 0 ? described : described.slice(1)
  return {
    exitCode: refusal?.exitCode ?? ExitCode.done,
    data: {
      ...subject,
      dryRun: true,
      planHash,
      ownSchema: plan.own.length === 0 ? [] : (ownDetails?.statements ?? []),
      steps: plan.steps.map((step, index) => ({
        ...stepDocument(step),
        statements: stepDetails[index]?.statements ?? [],
      })),
      alreadyDone: plan.done,
      archivedMessages,
      restore: restoreBytes(archivedMessages),
      tables: details?.tables ?? [],
      estimatedMs: details?.estimatedMs ?? 0,
      indexBytes: details?.indexBytes ?? 0,
      afterwards: details?.afterwards ?? [],
      obstacles: (details?.obstacles ?? []).map((obstacle) => toObstacleDocument(obstacle, naming)),
      ...refusalDocument(refusal, naming),
    },
    ...verdictLast((render) => [
      header,
      details === undefined || described.length === 0
        ? nothingToDo(plan.done)
        : renderPlan(details, { naming, verbose }, render),
      ...archiveLines(archivedMessages),
      `plan hash: ${planHash}`,
      refusal === undefined ? dryRunVerdict(preview, naming) : renderRefusal(refusal, details, naming, render),
    ]),
  }
}

const stepDocument = ({ file, action, reason }: PlannedStep): Readonly<Record<string, unknown>> => ({
  id: file.id,
  name: file.name,
  action,
  reason: reason === '' ? null : reason,
  sql: action === 'record' ? null : file.sql,
})

const dryRunVerdict = (preview: MigratePreview, naming: TargetNaming | undefined): string =>
  needsWork(preview)
    ? `dry run: nothing was changed; ${count(stepCount(preview.plan), 'step')} to do. Next: ${describeSteps(inEarnest(`--plan-hash ${preview.planHash}`), naming)}`
    : 'dry run: nothing was changed, and nothing needs to be'

const stepCount = ({ own, steps }: MigrationPlan): number => steps.length + (own.length === 0 ? 0 : 1)

const nothingToDo = (done: number): string => `nothing to do: ${count(done, 'migration')} applied`

const archiveLines = (messages: number): readonly string[] =>
  messages === 0
    ? []
    : [
        `an earlier rollback archived ${count(messages, 'message')}: their guest data will be put back`,
        ...bytesLines(restoreBytes(messages)),
      ]

/** The answer of a migrate that is done. */
export const migrateResult = (subject: Subject, result: MigrateResult, naming: TargetNaming | undefined): Answer => {
  const { steps, ownSchema, alreadyDone, restored, durationMs } = result
  return {
    data: { ...subject, ownSchema, steps, alreadyDone, restored: restored ?? null, durationMs: Math.round(durationMs) },
    ...verdictLast(({ paint }) => [
      ...(restored === undefined ? [] : restoredLines(restored)),
      `${paint.green('ok:')} ${printable(subject.database)} is migrated: ${whatWasDone(result)} (${duration(durationMs)}). Next: ${describeSteps(chatkeep('verify'), naming)}`,
    ]),
  }
}

const whatWasDone = ({ steps, ownSchema, alreadyDone, restored }: MigrateResult): string => {
  const messages = (restored?.messages ?? 0) + (restored?.returnedMessages ?? 0)
  const did = [
    ...(ownSchema === null ? [] : [`${printable(ownSchema.title)} ${ownSchema.created ? 'created' : 'repaired'}`]),
    ...(steps.length + messages === 0 ? [] : [`${count(steps.length, 'migration')} done`]),
  ]
  return [
    did.length === 0 ? 'nothing had to be done' : did.join(', '),
    `${alreadyDone} already there`,
    ...(messages === 0 ? [] : [`${count(messages, 'message')} restored`]),
  ].join(', ')
}

const restoredLines = (restored: Restored): readonly string[] => {
  const { messages, returnedMessages, deletedMeanwhile, removedClients, keptClients } = restored
  const returned =
    returnedMessages === 0 ? '' : `; ${count(returnedMessages, 'message')} put back that the rollback had moved out`
  return [
    `restored from the archive: guest data of ${count(messages, 'message')}${returned}`,
    ...(deletedMeanwhile === 0
      ? []
      : [`not restored: ${count(deletedMeanwhile, 'archived message')} that the application has deleted since`]),
    ...(removedClients + keptClients === 0 ? [] : [clientsLine(removedClients, keptClients)]),
  ]
}

const clientsLine = (removed: number, kept: number): string =>
  `clients that the rollback had created: ${removed} removed, ${kept} kept because they are in use`
