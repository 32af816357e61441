import { Command } from '@commander-js/extra-typings'
import type { CommandResult, Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'

const DETAILS = `
A message is kept even when no client could be found or made for it. This links such messages to the client of their
guest's exact name, and makes that client where it is missing, in small transactions beside live traffic. It can be
stopped and repeated at any time. Messages without client and without name are left: only a person can tell whose they are.

Examples:
  chatkeep reconcile --dry-run     count, and change nothing
  chatkeep reconcile`

export const reconcileCommand = (run: Run) =>
  withDatabaseFlags(new Command('reconcile'))
    .summary("link guests' messages to their clients")
    .description(
      "Links guests' messages that have no client to the client of that name, creating it where it is missing.",
    )
    .option('--dry-run', 'count what would be linked and change nothing')
    .addHelpText('after', DETAILS)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target): Promise<CommandResult> => {
          const { reconcile } = await import('../persistence/reconcile.js')
          const { describeTarget } = await import('../database/connection-target.js')
          const { count, printable } = await import('../cli/render.js')
          const { signal, progress } = context
          const dryRun = options.dryRun === true
          progress.line(printable(`reconcile  ${describeTarget(target)}  schema ${target.schema ?? 'public'}`))
          const report = await reconcile(target, {
            dryRun,
            signal,
            onProgress: (guests, messages) =>
              progress.status(`linking: ${count(guests, 'guest')}, ${count(messages, 'message')}`),
          })
          const { messagesLinked, clientsCreated, messagesLeft, messagesWithoutName } = report
          return {
            data: { target: describeTarget(target), dryRun, ...report },
            text: ({ paint }) =>
              [
                ...(messagesLeft === 0
                  ? []
                  : [`${count(messagesLeft, 'message')} left: for their guests no client could be found or made`]),
                ...(messagesWithoutName === 0
                  ? []
                  : [
                      `${count(messagesWithoutName, 'message')} left: they name no guest, so only a person can tell whose they are`,
                    ]),
                `${paint.green('ok:')} ${count(messagesLinked, 'message')} ${dryRun ? 'would be linked' : 'linked'}, ${count(clientsCreated, 'client')} ${dryRun ? 'would be created' : 'created'}`,
              ].join('\n'),
          }
        }),
      ),
    )
