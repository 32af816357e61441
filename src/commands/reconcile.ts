import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { maxWaitOption } from '../cli/max-wait.js'

const NOTES = `
Every message is saved, even if no client can be found or created for it.
reconcile links such messages to the client with exactly the name of the guest,
and creates the client if it does not exist. It works in small transactions
beside live traffic, and can be stopped and repeated at any time. A guest's
message linked to a client that existed before is marked as unverified.
Messages without client and without name stay as they are.`

export const reconcileCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('reconcile')),
    ['chatkeep reconcile --dry-run', 'count, change nothing'],
    ['chatkeep reconcile', 'link them'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary("link guests' messages to their clients")
    .description("Links guests' messages without client to the client of the same name, which is created if missing.")
    .option('--dry-run', 'count what would be linked, change nothing')
    .addOption(maxWaitOption('locked tables'))
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target) => {
          const { runReconcile } = await import('../persistence/run-reconcile.js')
          return runReconcile(target, options, context)
        }),
      ),
    )
