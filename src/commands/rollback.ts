import { Command, Option } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { parseWholeNumber } from '../cli/flags.js'
import { withMigrationFlags } from '../cli/migration-flags.js'

/** Undoes the whole guest-chat update. */
const ALL = 1

const EXAMPLES = `
Examples:
  chatkeep rollback --dry-run          every statement with its lock and time, and the price tag
  chatkeep rollback                    ask for the database's name, then do it
  chatkeep rollback --confirm crm      the same where nobody can be asked
  chatkeep rollback --to 10 --dry-run  only what came after migration 10

Nothing is lost: guest data, keys and messages without client go to an archive that only the owner may read,
and the next chatkeep migrate puts them back. Start the old version of the application first.`

export const rollbackCommand = (run: Run) =>
  withMigrationFlags(new Command('rollback'))
    .summary('undo the guest-chat update, losing nothing')
    .description(
      'Undoes all migrations of the guest-chat update, newest first, and archives what the old schema cannot hold.',
    )
    .option('--dry-run', 'show the plan and the price tag, change nothing; exit 5 when it could not run')
    .option('--plan-hash <hash>', 'refuse when the plan is not the one with this hash (--dry-run prints it)')
    .addOption(
      new Option('--to <migration>', 'the newest migration that stays, by its number')
        .argParser(parseWholeNumber(1, 2_147_483_647))
        .default(ALL, '1: undo the whole update'),
    )
    .addOption(
      new Option('--on-orphans <what>', 'what to do with messages that can have no client')
        .choices(['archive', 'abort'] as const)
        .default('archive' as const),
    )
    .option('--confirm <database>', "the database's name, as a confirmation")
    .option('-y, --yes', 'not enough here: --confirm is')
    .addHelpText('after', EXAMPLES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target) => {
          const { runRollback } = await import('../migrations/run-rollback.js')
          return runRollback(target, options, context)
        }),
      ),
    )
