import { Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { scriptForm, scriptOption, withMigrationFlags } from '../cli/migration-flags.js'

const NOTES = `
What the database already has is recorded as applied, not run again. --verbose
shows every statement of the plan in full, with its locks and the basis of its
estimate.`

export const migrateCommand = (run: Run) =>
  withExamples(
    withMigrationFlags(new Command('migrate')),
    ['chatkeep migrate --dry-run', 'show every statement, its lock and its time'],
    ['chatkeep migrate', 'ask on a terminal; start at once without one'],
    ['chatkeep migrate --yes', 'do not ask'],
    ['chatkeep migrate --plan-hash H', 'fail if files, history or schema have changed'],
    [
      'chatkeep migrate --sql > up.sql',
      'a script for psql; --sql transaction is for editors that run a script in one transaction',
    ],
    ['chatkeep migrate --history', 'who changed the schema, and when'],
  )
    .helpGroup(COMMAND_GROUPS.schema)
    .summary('apply the guest-chat update while the database is in use')
    .description('Applies pending migrations without stopping readers and writers.')
    .option('--dry-run', 'show the plan, change nothing; exits as the run would')
    .option('--history', 'list past runs of migrate and rollback, change nothing')
    .option('--plan-hash <hash>', 'run only the plan with this hash, which --dry-run prints')
    .addOption(scriptOption())
    .option('--create-tables', 'create the tables of the chat in a database that has none')
    .option('-y, --yes', 'do not ask for confirmation')
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target) => {
          const { runMigrate } = await import('../migrations/run-migrate.js')
          // A database of chatkeep's own cannot be a wrong one.
          const createTables = options.embedded === undefined ? options.createTables : true
          return runMigrate(target, { ...options, sql: scriptForm(options.sql), createTables }, context)
        }),
      ),
    )
