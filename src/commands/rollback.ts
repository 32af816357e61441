import { Command } from '@commander-js/extra-typings'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { withMigrationFlags } from '../cli/migration-flags.js'
import type { Render } from '../cli/render.js'
import type { PlanDetails } from '../migrations/plan-details.js'
import type { RollbackPreview, RollbackResult } from '../migrations/roll-back.js'

const EXAMPLES = `
Examples:
  chatkeep rollback --dry-run          every statement with its lock and time, and the price tag
  chatkeep rollback                    ask for the database's name, then do it
  chatkeep rollback --confirm crm      the same where nobody can be asked

Nothing is lost: guest data, keys and messages without client go to an archive that only the owner may read,
and the next chatkeep migrate puts them back. Start the old version of the application first.`

export const rollbackCommand = (run: Run) =>
  withMigrationFlags(new Command('rollback'))
    .summary('undo the guest-chat update, losing nothing')
    .description(
      'Undoes all migrations of the guest-chat update, newest first, and archives what the old schema cannot hold.',
    )
    .option('--dry-run', 'show the plan and the price tag, and change nothing')
    .option('--plan-hash <hash>', 'refuse when the plan is not the one with this hash (--dry-run prints it)')
    .option('--confirm <database>', "the database's name, as a confirmation")
    .option('-y, --yes', 'not enough here: --confirm is')
    .addHelpText('after', EXAMPLES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target): Promise<CommandResult> => {
          const { previewRollback, rollBack } = await import('../migrations/roll-back.js')
          const { toMigrationOptions } = await import('../migrations/options.js')
          const { describeEvent } = await import('../migrations/describe-event.js')
          const { describeTarget } = await import('../database/connection-target.js')
          const work = toMigrationOptions(options, target, {
            cwd: context.cwd,
            signal: context.signal,
            onEvent: (event) => context.progress.happening(describeEvent(event)),
          })
          const named = { database: target.database, target: describeTarget(target) }
          const preview = await previewRollback(target, { ...work, dryRun: options.dryRun === true })
          const header = `rollback  ${describeTarget(target)}  schema ${work.schema}`
          const tag = await priceTagText(preview, context.render)
          const undone = willUndo(preview)
          if (options.dryRun === true) {
            const { renderPlan } = await import('../cli/render-plan.js')
            return {
              data: document(named, preview),
              text: (render) => dryRunText(header, tag, preview, target.database, render, renderPlan),
            }
          }
          if (preview.files.length === 0) {
            return {
              data: { ...named, steps: [], archive: null },
              text: () => `ok: there is nothing to roll back in ${target.database}`,
            }
          }
          context.progress.line(header)
          context.progress.line(`${undone}\n${tag}`)
          await confirm(context, options.confirm, target.database)
          return renderResult(named, await rollBack(target, work))
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
  { files, price, planHash, details }: RollbackPreview,
): Readonly<Record<string, unknown>> => ({
  ...named,
  dryRun: true,
  planHash,
  steps: files.map(({ id, name }) => ({ id, name })),
  phases: details?.steps ?? [],
  price,
  tables: details?.tables ?? [],
  estimatedMs: details?.estimatedMs ?? 0,
  obstacles: details?.obstacles ?? [],
})

const dryRunText = (
  header: string,
  tag: string,
  { files, details, planHash }: RollbackPreview,
  database: string,
  render: Render,
  renderPlan: (plan: PlanDetails, render: Render) => string,
): string =>
  [
    header,
    details === undefined || files.length === 0 ? 'will undo: nothing' : renderPlan(details, render),
    tag,
    `plan hash: ${planHash}`,
    files.length === 0
      ? 'dry run: nothing was changed, and nothing needs to be'
      : `dry run: nothing was changed. Next: chatkeep rollback --plan-hash ${planHash} --confirm ${quoted(database)}`,
  ].join('\n')

const quoted = (database: string): string => (/^[\w-]+$/.test(database) ? database : JSON.stringify(database))

const willUndo = ({ files }: RollbackPreview): string =>
  `will undo: ${files.length === 0 ? 'nothing' : files.map(({ id, name }) => `${id}_${name}`).join(', ')}`

const priceTagText = async ({ price }: RollbackPreview, render: Render): Promise<string> => {
  const { count } = await import('../cli/render.js')
  const row = (amount: number, what: string): readonly string[] => [amount.toLocaleString('en-US').padStart(10), what]
  return [
    render.table(
      ['rows'.padStart(10), 'what happens to them'],
      [
        row(price.guestMessages, 'messages lose their guest name and phone (archived)'),
        row(price.messagesWithKey, 'messages lose their idempotency key (archived)'),
        row(price.unverifiedMessages, 'messages lose the mark of an unverified guest (archived)'),
        row(price.messagesToLink, 'messages without client get the client of their guest name'),
        row(price.clientsToCreate, 'clients are created for such guests'),
        row(price.messagesToRemove, 'messages with neither client nor guest leave the table (archived whole)'),
      ],
    ),
    `of ${count(price.messages, 'message')} in all; the next chatkeep migrate puts everything back`,
  ].join('\n')
}

const confirm = async (context: CommandContext, confirmed: string | undefined, database: string): Promise<void> => {
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
    hint: `chatkeep rollback --confirm ${quoted(database)}`,
  })
}

const renderResult = async (named: Named, { steps, archive, durationMs }: RollbackResult): Promise<CommandResult> => {
  const { count, duration } = await import('../cli/render.js')
  return {
    data: { ...named, steps, archive, durationMs: Math.round(durationMs) },
    text: ({ paint }) =>
      [
        `archived: ${count(archive.messages, 'message')} (${archive.linkedMessages} linked to a client, ${archive.removedMessages} moved out whole), ${count(archive.clients, 'client')} created; checksum ${archive.checksum}`,
        `${paint.green('ok:')} ${named.database} is rolled back: ${count(steps.length, 'migration')} undone (${duration(durationMs)}). Next: chatkeep verify --expect rolled-back`,
      ].join('\n'),
  }
}
