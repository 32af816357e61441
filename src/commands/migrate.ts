import { Command, Option } from '@commander-js/extra-typings'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { withMigrationFlags } from '../cli/migration-flags.js'
import type { Render } from '../terminal/render.js'
import type { MigratePreview, MigrateResult } from '../migrations/migrate.js'
import type { PlannedStep } from '../migrations/plan/plan.js'

const EXAMPLES = `
Examples:
  chatkeep migrate --dry-run        every statement: its lock, whom that stops, how long; changes nothing
  chatkeep migrate --plan-hash H    only if files, history and schema are still those of that plan
  chatkeep migrate --sql > up.sql   the same as a script for psql; --sql transaction for an editor that opens one
  chatkeep migrate                  ask on a terminal, go ahead in a pipeline
  chatkeep migrate --yes            do not ask
  chatkeep migrate --history        who changed the schema, when, and how it ended

A database that has the tables, or the whole update, already is adopted: what is there is recorded, the rest is done.`

const SCRIPT_FORMS = ['statements', 'transaction'] as const

export const migrateCommand = (run: Run) =>
  withMigrationFlags(new Command('migrate'))
    .summary('bring the database to the guest-chat update, while it is in use')
    .description('Applies the migrations that the database lacks, without stopping its readers and writers.')
    .option('--dry-run', 'show the plan and change nothing; exit 5 when it could not run')
    .option('--history', 'show who migrated and rolled back, when, and how it ended; change nothing')
    .option('--plan-hash <hash>', 'refuse when the plan is not the one with this hash (--dry-run prints it)')
    .addOption(
      new Option('--sql [form]', 'print the pending plan as a script: statement by statement, or in one transaction')
        .choices(SCRIPT_FORMS)
        .preset('statements'),
    )
    .option('-y, --yes', 'do not ask before starting')
    .addHelpText('after', EXAMPLES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target): Promise<CommandResult> => {
          const { previewMigrate, scriptMigrate, migrate } = await import('../migrations/migrate.js')
          const { toMigrationOptions } = await import('../migrations/options.js')
          const { describeEvent } = await import('../migrations/running/describe-event.js')
          const { describeTarget } = await import('../database/connection-target.js')
          const work = toMigrationOptions(options, target, {
            cwd: context.cwd,
            signal: context.signal,
            onEvent: (event) => context.progress.update(describeEvent(event)),
          })
          const named = { database: target.database, target: describeTarget(target) }
          if (options.history === true) {
            const { readRunHistory } = await import('../migrations/run-history.js')
            const { renderRunHistory } = await import('../migrations/render-run-history.js')
            const runs = await readRunHistory(target, work)
            return { data: { ...named, runs }, text: (render) => renderRunHistory(named.database, runs, render) }
          }
          const form = SCRIPT_FORMS.find((one) => one === options.sql)
          if (form !== undefined) {
            const { sql, planHash } = await scriptMigrate(target, form, { ...work, dryRun: true })
            return { data: { ...named, form, planHash, sql }, text: () => sql }
          }
          const preview = await previewMigrate(target, { ...work, dryRun: options.dryRun === true })
          const header = `migrate  ${describeTarget(target)}  PostgreSQL ${preview.serverVersion}  schema ${work.schema}`
          if (options.dryRun === true) return renderPreview(header, named, preview)
          context.progress.line(header)
          context.progress.line(await planText(preview, context.render))
          const asked = needsWork(preview) && (await confirm(context, options.yes === true, target.database))
          const result = await migrate(target, asked ? preview.plan : undefined, work)
          return renderResult(named, result)
        }),
      ),
    )

const needsWork = ({ plan, archivedMessages }: MigratePreview): boolean => plan.steps.length > 0 || archivedMessages > 0

/** @returns whether somebody was asked, and said yes */
const confirm = async (context: CommandContext, yes: boolean, database: string): Promise<boolean> => {
  const { ask, canAsk } = await import('../cli/confirm.js')
  if (yes || context.json || !canAsk(context)) return false
  const answer = await ask(context, `Migrate ${database}? [y/N] `)
  if (/^y(es)?$/i.test(answer)) return true
  const { ExitCode, OperatorError } = await import('../errors.js')
  throw new OperatorError('declined', 'not confirmed; nothing was changed', {
    exitCode: ExitCode.refused,
    hint: 'answer y, or pass --yes',
  })
}

const ACTION_WORDS: Readonly<Record<PlannedStep['action'], string>> = {
  run: 'apply',
  record: 'record only',
  rebuild: 'rebuild index',
  repair: 'repair',
}

const stepDocument = ({ file, action, reason }: PlannedStep): Readonly<Record<string, unknown>> => ({
  id: file.id,
  name: file.name,
  action,
  reason: reason === '' ? null : reason,
  sql: action === 'record' ? null : file.sql,
})

const planText = async (preview: MigratePreview, render: Render): Promise<string> => {
  const { count } = await import('../terminal/render.js')
  const { plan, archivedMessages } = preview
  const lines =
    plan.steps.length === 0
      ? [`nothing to do: ${count(plan.done, 'migration')} applied`]
      : [
          render.table(
            ['migration', 'action', 'why'],
            plan.steps.map(({ file, action, reason }) => [`${file.id}_${file.name}`, ACTION_WORDS[action], reason]),
          ),
        ]
  return [...lines, ...archiveLines(archivedMessages, count)].join('\n')
}

const renderPreview = async (header: string, named: Named, preview: MigratePreview): Promise<CommandResult> => {
  const { count } = await import('../terminal/render.js')
  const { isRefused, REFUSED, renderPlan } = await import('../migrations/plan/render-plan.js')
  const { ExitCode } = await import('../errors.js')
  const { plan, planHash, details, archivedMessages } = preview
  const refused = isRefused(details)
  const verdict = needsWork(preview)
    ? `dry run: nothing was changed; ${count(plan.steps.length, 'step')} to do. Next: chatkeep migrate --plan-hash ${planHash}`
    : 'dry run: nothing was changed, and nothing needs to be'
  return {
    exitCode: refused ? ExitCode.refused : ExitCode.done,
    data: {
      ...named,
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
        details === undefined || plan.steps.length === 0
          ? `nothing to do: ${count(plan.done, 'migration')} applied`
          : renderPlan(details, render),
        ...archiveLines(archivedMessages, count),
        `plan hash: ${planHash}`,
        refused ? REFUSED : verdict,
      ].join('\n'),
  }
}

const archiveLines = (messages: number, count: (amount: number, noun: string) => string): readonly string[] =>
  messages === 0
    ? []
    : [`an earlier rollback archived ${count(messages, 'message')}: their guest data will be put back`]

/** The database as the JSON document names it. */
interface Named {
  readonly database: string
  readonly target: string
}

const renderResult = async (named: Named, result: MigrateResult): Promise<CommandResult> => {
  const { count, duration } = await import('../terminal/render.js')
  const { steps, alreadyDone, restored, durationMs } = result
  return {
    data: { ...named, steps, alreadyDone, restored: restored ?? null, durationMs: Math.round(durationMs) },
    text: ({ paint }) => {
      const lines: string[] = []
      if (restored !== undefined) {
        const returned = restored.returnedMessages
        const andReturned = returned === 0 ? '' : `, and ${count(returned, 'message')} that had been moved out`
        lines.push(`restored from the archive: guest data of ${count(restored.messages, 'message')}${andReturned}`)
        if (restored.deletedMeanwhile > 0)
          lines.push(
            `${count(restored.deletedMeanwhile, 'archived message')} had been deleted by the application meanwhile`,
          )
        if (restored.removedClients + restored.keptClients > 0) {
          lines.push(
            `of the clients that the rollback had made, ${restored.removedClients} were removed again and ${restored.keptClients} kept, being in use`,
          )
        }
      }
      const done = steps.length === 0 ? 'nothing had to be done' : `${count(steps.length, 'migration')} done`
      lines.push(
        `${paint.green('ok:')} ${named.database} is migrated: ${done}, ${alreadyDone} already there (${duration(durationMs)}). Next: chatkeep verify`,
      )
      return lines.join('\n')
    },
  }
}
