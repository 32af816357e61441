import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags, withPersonFlags, withServerFileFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { maxWaitOption } from '../cli/max-wait.js'

const NOTES = `
One JSON object a line: the rows of the person's clients with all columns, rows
in chatkeep's own tables, then the messages, oldest first, with operators'
answers, then lines of the files that are named. It is a recording: chatkeep replay reads its messages. Without --output
it is printed on stdout, in ASCII. The file is for its owner alone, and an
existing one is never overwritten.`

export const exportCommand = (run: Run) =>
  withExamples(
    withServerFileFlags(withPersonFlags(withDatabaseFlags(new Command('export')))),
    ['chatkeep export --username maria --output maria.ndjson', 'into a new file'],
    ['chatkeep export --client-id 17 | gpg -er dpo > 17.gpg', 'encrypted at once'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary('write all that is kept of a person as JSON lines')
    .description('Writes all that the database holds of a person, in one snapshot, as JSON lines.')
    .option('--output <file>', 'write to this new file instead of stdout')
    .addOption(maxWaitOption('locked tables'))
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target) => {
          const { runExport } = await import('../erasure/run-export.js')
          return runExport(target, options, context)
        }),
      ),
    )
