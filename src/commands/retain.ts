import { Command, Option } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { withBatchFlags } from '../cli/max-wait.js'
import { parseAge } from '../cli/moment.js'

const NOTES = `
Deletes in small transactions beside live traffic, oldest messages first, and
rests between them as long as they take. It can be stopped and repeated at any
time. Clients stay, also those without messages. Rows of other tables that refer
to the messages are named before; those that allow no deletion are in the way.
The archive of a rollback loses what it has of these messages as well.

Backups, standbys that replay later, and files of serve --record are not touched.`

export const retainCommand = (run: Run) =>
  withExamples(
    withBatchFlags(withDatabaseFlags(new Command('retain'))),
    ['chatkeep retain --older-than 2y --dry-run', 'count them by month or year, change nothing'],
    ['chatkeep retain --older-than 2y', 'ask for the name of the database'],
    ['chatkeep retain --older-than 2y --confirm crm', 'do not ask'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary('delete messages by age, beside live traffic')
    .description('Deletes the messages that are older than an age or a date, in small transactions.')
    .addOption(
      new Option('--older-than <age>', 'an age such as 90d, 18months or 2y, or a date in UTC')
        .argParser(parseAge)
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'count what would be deleted, change nothing')
    .option('--confirm <database>', 'confirm with the name of the database')
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target) => {
          const { runRetain } = await import('../erasure/run-retain.js')
          return runRetain(target, options, context)
        }),
      ),
    )
