import { Command } from '@commander-js/extra-typings'
import type { CommandResult, Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'

const DETAILS = `
A message is kept even when no client could be found or made for it. This links such messages to the client of their
guest's exact name, and makes that client where it is missing, in small transactions beside live traffic. It can be
stopped and repeated at any time. A message under the name of a client who was not made of a guest is marked as
unverified. Messages without client and without name are left: only a person can tell whose they are.

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
          const { count, printable } = await import('../terminal/render.js')
          const { signal, progress } = context
          const dryRun = options.dryRun === true
          progress.line(printable(`reconcile  ${describeTarget(target)}  schema ${target.schema ?? 'public'}`))
          const report = await reconcile(target, {
            dryRun,
            signal,
            onProgress: (guests, messages) =>
              progress.status(`linking: ${count(guests, 'guest')}, ${count(messages, 'message')}`),
          })
          const { messagesLinked, messagesUnverified, clientsCreated, messagesLeft, messagesLocked } = report
          const notes: readonly (readonly [number, string])[] = [
            [
              messagesUnverified,
              `under the name of a client who was there before the guest: ${dryRun ? 'would be marked' : 'marked'} as unverified`,
            ],
            [messagesLeft, 'left: for their guests no client could be found or made'],
            [messagesLocked, 'left: somebody else holds them at this moment; run this again'],
            [report.messagesWithoutName, 'left: they name no guest, so only a person can tell whose they are'],
          ]
          return {
            data: { target: describeTarget(target), dryRun, ...report },
            text: ({ paint }) =>
              [
                ...notes.flatMap(([messages, note]) =>
                  messages === 0 ? [] : [`${count(messages, 'message')} ${note}`],
                ),
                `${paint.green('ok:')} ${count(messagesLinked, 'message')} ${dryRun ? 'would be linked' : 'linked'}, ${count(clientsCreated, 'client')} ${dryRun ? 'would be created' : 'created'}`,
              ].join('\n'),
          }
        }),
      ),
    )
