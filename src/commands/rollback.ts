import { Command, Option } from '@commander-js/extra-typings'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { parseWholeNumber } from '../cli/flags.js'
import { withMigrationFlags } from '../cli/migration-flags.js'
import type { Render } from '../terminal/render.js'
import type { RollbackChoice } from '../migrations/prepare-rollback.js'
import type { RollbackPreview, RollbackResult } from '../migrations/roll-back.js'

/** Undoes the whole guest-chat update. */
const ALL = 1

const EXAMPLES = `
Examples:
  chatkeep rollback --dry-run          every statement with its lock and time, and the price tag
  chatkeep rollback                    ask for the database's name, then do it
  chatkeep rollback --confirm crm      the same where nobody can be asked
  chatkeep rollback --to 10 --dry-run  only what came after migration 10

Nothing is lost: guest data, keys and messages without client go to an archive that only the owner may read,
and the next chatkeep migrate puts them back. Start the old version of the application first.`

export const rollbackCommand = (run: Run) =>
  withMigrationFlags(new Command('rollback'))
    .summary('undo the guest-chat update, losing nothing')
    .description(
      'Undoes all migrations of the guest-chat update, newest first, and archives what the old schema cannot hold.',
    )
    .option('--dry-run', 'show the plan and the price tag, change nothing; exit 5 when it could not run')
    .option('--plan-hash <hash>', 'refuse when the plan is not the one with this hash (--dry-run prints it)')
    .addOption(
      new Option('--to <migration>', 'the newest migration that stays, by its number')
        .argParser(parseWholeNumber(1, 2_147_483_647))
        .default(ALL, '1: undo the whole update'),
    )
    .addOption(
      new Option('--on-orphans <what>', 'what to do with messages that can have no client')
        .choices(['archive', 'abort'] as const)
        .default('archive' as const),
    )
    .option('--confirm <database>', "the database's name, as a confirmation")
    .option('-y, --yes', 'not enough here: --confirm is')
    .addHelpText('after', EXAMPLES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target): Promise<CommandResult> => {
          const { previewRollback, rollBack } = await import('../migrations/roll-back.js')
          const { toMigrationOptions } = await import('../migrations/options.js')
          const { describeEvent } = await import('../migrations/running/describe-event.js')
          const { describeTarget } = await import('../database/connection-target.js')
          const work = toMigrationOptions(options, target, {
            cwd: context.cwd,
            signal: context.signal,
            onEvent: (event) => context.progress.update(describeEvent(event)),
          })
          const choice = { to: options.to, onOrphans: options.onOrphans }
          const named = { database: target.database, target: describeTarget(target) }
          const preview = await previewRollback(target, { ...work, ...choice, dryRun: options.dryRun === true })
          const header = `rollback  ${describeTarget(target)}  schema ${work.schema}`
          const tag = await priceTagText(preview, choice, context.render)
          if (options.dryRun === true) {
            return renderPreview(header, tag, named, choice, preview)
          }
          if (preview.files.length === 0 && !preview.unsealed) {
            return {
              data: { ...named, to: choice.to, steps: [], archive: null },
              text: () =>
                `ok: there is nothing to roll back in ${target.database}${choice.to === ALL ? '' : ` after migration ${choice.to}`}`,
            }
          }
          context.progress.line(header)
          context.progress.line(`${willUndo(preview)}\n${tag}`)
          await confirm(context, choice, options.confirm, target.database)
          return renderResult(named, choice.to, await rollBack(target, { ...work, ...choice }))
        }),
      ),
    )

/** The database as the JSON document names it. */
interface Named {
  readonly database: string
  readonly target: string
}

const document = (
  named: Named,
  { to, onOrphans }: RollbackChoice,
  { files, price, planHash, details }: RollbackPreview,
): Readonly<Record<string, unknown>> => ({
  ...named,
  dryRun: true,
  to,
  onOrphans,
  planHash,
  steps: files.map(({ id, name }) => ({ id, name })),
  phases: details?.steps ?? [],
  price,
  tables: details?.tables ?? [],
  estimatedMs: details?.estimatedMs ?? 0,
  obstacles: details?.obstacles ?? [],
})

const renderPreview = async (
  header: string,
  tag: string,
  named: Named,
  choice: RollbackChoice,
  preview: RollbackPreview,
): Promise<CommandResult> => {
  const { isRefused, REFUSED, renderPlan } = await import('../migrations/plan/render-plan.js')
  const { ExitCode } = await import('../errors.js')
  const { files, details, planHash } = preview
  const refused = isRefused(details)
  const next = confirmedCommand(choice, named.database, planHash)
  const verdict =
    files.length === 0
      ? 'dry run: nothing was changed, and nothing needs to be'
      : `dry run: nothing was changed. Next: ${next}`
  return {
    exitCode: refused ? ExitCode.refused : ExitCode.done,
    data: document(named, choice, preview),
    text: (render) =>
      [
        header,
        details === undefined || files.length === 0 ? 'will undo: nothing' : renderPlan(details, render),
        tag,
        `plan hash: ${planHash}`,
        refused ? REFUSED : verdict,
      ].join('\n'),
  }
}

/** The rollback of this choice, confirmed. */
const confirmedCommand = ({ to, onOrphans }: RollbackChoice, database: string, planHash?: string): string =>
  [
    'chatkeep rollback',
    ...(to === ALL ? [] : [`--to ${to}`]),
    ...(onOrphans === 'archive' ? [] : [`--on-orphans ${onOrphans}`]),
    ...(planHash === undefined ? [] : [`--plan-hash ${planHash}`]),
    `--confirm ${/^[\w-]+$/.test(database) ? database : JSON.stringify(database)}`,
  ].join(' ')

const willUndo = ({ files }: RollbackPreview): string =>
  `will undo: ${files.length === 0 ? 'nothing' : files.map(({ id, name }) => `${id}_${name}`).join(', ')}`

const priceTagText = async (
  { price }: RollbackPreview,
  { to, onOrphans }: RollbackChoice,
  render: Render,
): Promise<string> => {
  const { count } = await import('../terminal/render.js')
  const orphans = onOrphans === 'archive' ? 'leave the table (archived whole)' : 'are in the way (--on-orphans abort)'
  const costs: readonly (readonly [number, string])[] = [
    [price.guestMessages, 'messages lose their guest name and phone (archived)'],
    [price.messagesWithKey, 'messages lose their idempotency key (archived)'],
    [price.unverifiedMessages, 'messages lose the mark of an unverified guest (archived)'],
    [price.messagesToLink, 'messages without client get the client of their guest name'],
    [price.clientsToCreate, 'clients are created for such guests'],
    [price.messagesToRemove, `messages with neither client nor guest ${orphans}`],
  ]
  // Of a part of the update most costs nothing; of the whole a 0 says that it was looked at.
  const shown = costs.filter(([rows]) => rows > 0 || to === ALL)
  const rows = shown.map(([amount, what]) => [amount.toLocaleString('en-US').padStart(10), what])
  return [
    ...(rows.length === 0 ? [] : [render.table(['rows'.padStart(10), 'what happens to them'], rows)]),
    rows.length === 0
      ? `no message loses anything (of ${count(price.messages, 'message')} in all)`
      : `of ${count(price.messages, 'message')} in all; the next chatkeep migrate puts everything back`,
  ].join('\n')
}

const confirm = async (
  context: CommandContext,
  choice: RollbackChoice,
  confirmed: string | undefined,
  database: string,
): Promise<void> => {
  const { ask, canAsk } = await import('../cli/confirm.js')
  const { ExitCode, OperatorError } = await import('../errors.js')
  const asked = confirmed === undefined && !context.json && canAsk(context)
  const answer = asked ? await ask(context, `Type the database's name to roll it back: `) : confirmed
  if (answer === database) return
  const message =
    answer === undefined
      ? 'a rollback must be confirmed with the name of the database; nothing was changed'
      : `${JSON.stringify(answer)} is not the name of this database; nothing was changed`
  throw new OperatorError('confirmation_missing', message, {
    exitCode: ExitCode.refused,
    hint: confirmedCommand(choice, database),
  })
}

const renderResult = async (
  named: Named,
  to: number,
  { steps, archive, durationMs }: RollbackResult,
): Promise<CommandResult> => {
  const { count, duration } = await import('../terminal/render.js')
  const undone = `${count(steps.length, 'migration')} undone (${duration(durationMs)})`
  return {
    data: { ...named, to, steps, archive, durationMs: Math.round(durationMs) },
    text: ({ paint }) =>
      [
        `archived: ${count(archive.messages, 'message')} (${archive.linkedMessages} linked to a client, ${archive.removedMessages} moved out whole), ${count(archive.clients, 'client')} created; checksum ${archive.checksum}`,
        to === ALL
          ? `${paint.green('ok:')} ${named.database} is rolled back: ${undone}. Next: chatkeep verify --expect rolled-back`
          : `${paint.green('ok:')} ${named.database} is rolled back to migration ${to}: ${undone}. Until the next chatkeep migrate, chatkeep verify calls what was undone pending`,
      ].join('\n'),
  }
}
