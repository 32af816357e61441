import { Command, Option } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, parseWholeNumber } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { scriptForm, scriptOption, withMigrationFlags } from '../cli/migration-flags.js'

const NOTES = `
Guest data, idempotency keys and messages without client move to an archive
that only its owner can read. The next chatkeep migrate puts them back.
Deploy the old version of the application before you roll back. --verbose shows
every statement of the plan in full, with its locks and the basis of its
estimate.`

export const rollbackCommand = (run: Run) =>
  withExamples(
    withMigrationFlags(new Command('rollback')),
    ['chatkeep rollback --dry-run', 'show every statement, its lock and its time, and the affected rows'],
    ['chatkeep rollback', 'ask for the name of the database'],
    ['chatkeep rollback --confirm crm', 'do not ask'],
    ['chatkeep rollback --to 10 --dry-run', 'only the migrations after number 10'],
    [
      'chatkeep rollback --sql > down.sql',
      'a script for psql; --sql transaction is for editors that run a script in one transaction',
    ],
  )
    .helpGroup(COMMAND_GROUPS.schema)
    .summary('undo the guest-chat update without losing data')
    .description(
      'Undoes the migrations of the guest-chat update, newest first, and archives data that does not fit the old schema.',
    )
    .option('--dry-run', 'show the plan and the affected rows, change nothing; exits as the run would')
    .option('--plan-hash <hash>', 'run only the plan with this hash, which --dry-run prints')
    .addOption(scriptOption())
    .option('--to <migration>', 'keep migrations up to this number (default: 1)', parseWholeNumber(1, 2_147_483_647))
    .addOption(
      new Option('--on-orphans <what>', 'what to do with messages that have neither client nor guest')
        .choices(['archive', 'abort'] as const)
        .default('archive' as const),
    )
    .option('--confirm <database>', 'confirm with the name of the database')
    .option('-y, --yes', 'has no effect: a rollback needs --confirm')
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target) => {
          const { runRollback } = await import('../migrations/run-rollback.js')
          return runRollback(target, { ...options, sql: scriptForm(options.sql) }, context)
        }),
      ),
    )
