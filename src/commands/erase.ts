import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags, withPersonFlags, withServerFileFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { withBatchFlags } from '../cli/max-wait.js'

const NOTES = `
Deletes a person's clients, messages (operators' answers to them, too) and rows
in chatkeep's own tables, in small transactions beside live traffic. It can be
stopped and repeated at any time. Rows of other tables that refer to them are
named before; those that allow no deletion are in the way.

Keys go with their messages: a journal, a recording or a browser that still has
a message can store it again. Name journals and recordings, and stop the
servers that write them: their lines go before the database's rows.
Backups, WAL, standbys that replay later, and logs are not touched.`

export const eraseCommand = (run: Run) =>
  withExamples(
    withServerFileFlags(withPersonFlags(withBatchFlags(withDatabaseFlags(new Command('erase'))))),
    ['chatkeep erase --client-id 17 --dry-run', 'say what is kept of them, change nothing'],
    ['chatkeep erase --username maria', 'ask for the name of the database'],
    ['chatkeep erase --username maria --journal chat.journal', 'also what waits for the database'],
    ['chatkeep erase --username maria --phone +351123 --confirm crm', 'do not ask'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary('delete a person and their chat, beside live traffic')
    .description('Deletes all that the database holds of a person, in small transactions.')
    .option('--keep-client', 'keep the row of the client, without name and phone, for rows that refer to it')
    .option('--dry-run', 'say what would be deleted, change nothing')
    .option('--confirm <database>', 'confirm with the name of the database')
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target) => {
          const { runErase } = await import('../erasure/run-erase.js')
          return runErase(target, options, context)
        }),
      ),
    )
