import { Command, Option } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { withMigrationFlags } from '../cli/migration-flags.js'

const EXAMPLES = `
Examples:
  chatkeep migrate --dry-run        every statement: its lock, whom that stops, how long; changes nothing
  chatkeep migrate --plan-hash H    only if files, history and schema are still those of that plan
  chatkeep migrate --sql > up.sql   the same as a script for psql; --sql transaction for an editor that opens one
  chatkeep migrate                  ask on a terminal, go ahead in a pipeline
  chatkeep migrate --yes            do not ask
  chatkeep migrate --history        who changed the schema, when, and how it ended

A database that has the tables, or the whole update, already is adopted: what is there is recorded, the rest is done.`

const SCRIPT_FORMS = ['statements', 'transaction'] as const

export const migrateCommand = (run: Run) =>
  withMigrationFlags(new Command('migrate'))
    .summary('bring the database to the guest-chat update, while it is in use')
    .description('Applies the migrations that the database lacks, without stopping its readers and writers.')
    .option('--dry-run', 'show the plan and change nothing; exit 5 when it could not run')
    .option('--history', 'show who migrated and rolled back, when, and how it ended; change nothing')
    .option('--plan-hash <hash>', 'refuse when the plan is not the one with this hash (--dry-run prints it)')
    .addOption(
      new Option('--sql [form]', 'print the pending plan as a script: statement by statement, or in one transaction')
        .choices(SCRIPT_FORMS)
        .preset('statements'),
    )
    .option('-y, --yes', 'do not ask before starting')
    .addHelpText('after', EXAMPLES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target) => {
          const { runMigrate } = await import('../migrations/run-migrate.js')
          // Its type includes true, for a flag without a value; the preset replaces that.
          const sql = SCRIPT_FORMS.find((form) => form === options.sql)
          return runMigrate(target, { ...options, sql }, context)
        }),
      ),
    )
