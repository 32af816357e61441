import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
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
        context.withTarget(options, 'pooled', async (target) => {
          const { runReconcile } = await import('../persistence/run-reconcile.js')
          return runReconcile(target, options, context)
        }),
      ),
    )
