import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { maxWaitOption } from '../cli/max-wait.js'

const NOTES = `
Every message is saved, even if no client can be found or created for it.
reconcile links a message that named its client by an id that was not there
yet, as while the application's transaction was inserting it, to that client.
Others it links to the client with exactly the name of the guest, and creates
the client if it does not exist. It works in small transactions beside live
traffic, and can be stopped and repeated at any time. A guest's message linked
by its name to a client that existed before is marked as unverified. A client
made after the message was stored is never taken for the one that the id
meant. Messages without client, id and name stay as they are. Messages of a
client who was merged into another, such as of a transaction that could not
see the merge, are moved to the other one, as the merge moved the rest. Where
a trigger of the application keeps messages as they are, the others are linked,
and the exit code is 1.`

export const reconcileCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('reconcile')),
    ['chatkeep reconcile --dry-run', 'count, change nothing'],
    ['chatkeep reconcile', 'link them'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary('link messages to their clients')
    .description(
      "Links messages without client to the client whose id or name they have; a guest's client is created if missing.",
    )
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
