import { Option, type Command, type OptionValues } from '@commander-js/extra-typings'
import { parseDurationBetween } from './duration.js'
import { OWN_GROUP, withDatabaseFlags } from './flags.js'
import { maxReplicaLagOption, maxWaitOption } from './max-wait.js'
import { waitForDatabaseOption } from './wait-for-database.js'

/** The forms of a script, as `ScriptForm` names them. */
const SCRIPT_FORMS = ['statements', 'transaction'] as const

/** `--sql` of the two commands that change the schema. */
export const scriptOption = () =>
  new Option('--sql [form]', 'print the plan as an SQL script, change nothing')
    .choices(SCRIPT_FORMS)
    .preset('statements' as const)

/** The chosen form. The flag's type includes true, for a flag without a value; the preset replaces that. */
export const scriptForm = (value: string | true | undefined): (typeof SCRIPT_FORMS)[number] | undefined =>
  SCRIPT_FORMS.find((form) => form === value)

/** Flags of the two commands that change the schema. */
export const withMigrationFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) => {
  const withDatabase = withDatabaseFlags(command)
  command.optionsGroup('Waiting:')
  const extended = withDatabase
    .addOption(maxWaitOption('the migration lock, for locked tables and each time for standbys'))
    .addOption(maxReplicaLagOption())
    .addOption(
      new Option('--lock-timeout <duration>', 'how long each attempt to lock a table may block others')
        .argParser(parseDurationBetween('10ms', '1m'))
        .default(300, '300ms'),
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'time limit of each statement, such as an index build')
        .argParser(parseDurationBetween('1s', '7d'))
        .default(43_200_000, '12h'),
    )
    .addOption(waitForDatabaseOption())
    .option('--show-queries', 'show the queries of blocking sessions; may contain personal data')
  command.optionsGroup(OWN_GROUP)
  return extended.option('--migrations <dir>', 'read the migrations from this folder instead of the built-in ones')
}
