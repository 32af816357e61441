import { ExitCode } from '../errors.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import { printable } from '../terminal/printable.js'
import { count, duration } from '../terminal/render.js'
import { migrationTitle } from './ledger/migration-files.js'
import { BASE_MIGRATION } from './ledger/migration-names.js'
import type { Subject } from './options.js'
import { rollbackBytes } from './plan/price-tag.js'
import { renderPlan, type PlanView } from './plan/screens/render-plan.js'
import { refusalDocument, renderRefusal } from './plan/screens/render-refusal.js'
import { renderPriceTag } from './plan/screens/render-price-tag.js'
import type { RollbackChoice } from './prepare-rollback.js'
import { needsRollback } from './check-rollback.js'
import type { RollbackPreview, RollbackResult } from './roll-back.js'
import { chatkeep, inEarnest, describeSteps, type NextStep, type TargetNaming } from '../next-step.js'
import { toObstacleDocument } from './plan/obstacle.js'

/** What will be undone, newest first, on one line. */
export const renderRollbackSteps = ({ files }: RollbackPreview): string =>
  `will undo: ${files.length === 0 ? 'nothing' : files.map(migrationTitle).join(', ')}`

/** The answer of a dry run, with the exit code of the run. */
export const rollbackDryRun = (
  header: string,
  subject: Subject,
  choice: RollbackChoice,
  preview: RollbackPreview,
  { naming, verbose }: PlanView,
): Answer => {
  const { files, details, planHash, price, refusal } = preview
  const verdict = needsRollback(preview)
    ? `dry run: nothing was changed. Next: ${describeSteps(confirmedCommand(subject.database, planHash), naming)}`
    : `dry run: ${nothingToRollBack(subject, choice, preview)}`
  return {
    exitCode: refusal?.exitCode ?? ExitCode.done,
    data: {
      ...subject,
      dryRun: true,
      to: choice.to,
      onOrphans: choice.onOrphans,
      planHash,
      steps: files.map(({ id, name }) => ({ id, name })),
      phases: details?.steps ?? [],
      price: { ...price, ...rollbackBytes(price) },
      tables: details?.tables ?? [],
      estimatedMs: details?.estimatedMs ?? 0,
      afterwards: details?.afterwards ?? [],
      obstacles: (details?.obstacles ?? []).map((obstacle) => toObstacleDocument(obstacle, naming)),
      ...refusalDocument(refusal, naming),
    },
    ...verdictLast((render) => [
      header,
      ...(needsRollback(preview) || refusal !== undefined
        ? [
            details === undefined || files.length === 0
              ? renderRollbackSteps(preview)
              : renderPlan(details, { naming, verbose }, render),
            renderPriceTag(price, choice, render),
            `plan hash: ${planHash}`,
          ]
        : []),
      refusal === undefined ? verdict : renderRefusal(refusal, details, naming, render),
    ]),
  }
}

/** Why there is nothing to do, in a few words. */
export const nothingToRollBack = (
  { database }: Subject,
  { to }: RollbackChoice,
  { hasTables }: Pick<RollbackPreview, 'hasTables'>,
): string => {
  const above = to === BASE_MIGRATION ? '' : ` after migration ${to}`
  const why = hasTables ? '' : ': it has no tables of a chat, so it may be the wrong database'
  return `there is nothing to roll back in ${printable(database)}${above}${why}`
}

/** The command line that does this rollback without a question. */
export const confirmedCommand = (database: string, planHash: string): NextStep =>
  inEarnest(`--plan-hash ${planHash}`, database)

/** The flags of a choice, without those that are the default. */
export const rollbackFlags = ({ to, onOrphans }: RollbackChoice): readonly string[] => [
  ...(to === BASE_MIGRATION ? [] : [`--to ${to}`]),
  ...(onOrphans === 'archive' ? [] : [`--on-orphans ${onOrphans}`]),
]

/** The answer of a rollback that is done. */
export const rollbackResult = (
  subject: Subject,
  to: number,
  { steps, archive, durationMs }: RollbackResult,
  naming: TargetNaming | undefined,
): Answer => {
  const undone = `${count(steps.length, 'migration')} undone (${duration(durationMs)})`
  const { messages, linkedMessages, removedMessages, clients, checksum } = archive
  const moved = removedMessages === 0 ? '' : `, ${removedMessages} of them moved out of the table whole`
  return {
    data: { ...subject, to, steps, archive, durationMs: Math.round(durationMs) },
    ...verdictLast(({ paint }) => [
      `archived: guest data of ${count(messages, 'message')}${moved}; checksum ${checksum}`,
      ...(linkedMessages === 0
        ? []
        : [
            `linked: ${count(linkedMessages, 'message')} to the client of the guest name, ${count(clients, 'client')} created for this`,
          ]),
      to === BASE_MIGRATION
        ? `${paint.green('ok:')} ${printable(subject.database)} is rolled back: ${undone}. Next: ${describeSteps(chatkeep('verify --expect rolled-back'), naming)}`
        : [
            `${paint.green('ok:')} ${printable(subject.database)} is rolled back to migration ${to}: ${undone}.`,
            'chatkeep verify reports the undone migrations as pending until the next chatkeep migrate',
          ].join(' '),
    ]),
  }
}
