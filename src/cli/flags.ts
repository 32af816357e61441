import { InvalidArgumentError, Option, type Command, type OptionValues } from '@commander-js/extra-typings'

/** Reads a whole number within bounds, both included. */
export const parseWholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`)
  }

/** Reads a name. An empty one is an unset variable of a script, which must not become the default. */
const parseName = (text: string): string => {
  if (text !== '') return text
  throw new InvalidArgumentError('Write a name; the value is empty.')
}

/** The heading of a command's own flags, unless it has further groups. */
export const OWN_GROUP = 'Options:'

/** Headings of flags that several commands share; the help shows them after a command's own flags. */
export const SHARED_GROUPS = ['Database options:', 'General options:'] as const
export const [DATABASE_GROUP, GENERAL_GROUP] = SHARED_GROUPS

/** Headings of the commands in the help of chatkeep itself, in their order. */
export const COMMAND_GROUPS = {
  schema: 'Change the schema:',
  checks: 'Check and watch:',
  messages: 'Keep messages:',
  help: 'Learn:',
} as const

/** `-h`, among the flags that every command has. */
export const helpOption = (): Option => new Option('-h, --help', 'print this help').helpGroup(GENERAL_GROUP)

/** Flags that every subcommand has. */
export const withOutputFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) => {
  // A command changes itself; chained, optionsGroup would lose the types of the flags.
  command.optionsGroup(GENERAL_GROUP)
  const extended = command
    .option('--json', 'print one JSON document instead of text')
    .addOption(
      new Option('-q, --quiet', 'print only the verdict, and nothing but errors on stderr').conflicts('verbose'),
    )
    .option('-v, --verbose', 'also say where settings are from, what took how long, and all that is known of an error')
    .option('--no-color', 'print without colour, as NO_COLOR and TERM=dumb do')
    .option('--no-pager', 'never show a long answer in a pager')
  command.optionsGroup(OWN_GROUP)
  return extended
}

/** Flags that name the database, plus those that every subcommand has. */
export const withDatabaseFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) => {
  const withOutput = withOutputFlags(command)
  command.optionsGroup(DATABASE_GROUP)
  const extended = withOutput
    .option(
      '--database-url <url>',
      'connect to postgres://user@host:5432/name; other users of this machine see a password in it, not one in ~/.pgpass, PGSERVICE or --env-file',
    )
    .option(
      '-d, --dbname <target>',
      'connect as psql -d does: to a database by its name, a URL, or "host=… port=… dbname=… user=…"',
      parseName,
    )
    .option('--env-file <file>', 'read the variables in this file, which override the environment for the database')
    .option('--schema <name>', 'schema of the tables (default: public)', parseName)
    .option('--embedded [dir]', 'start an embedded PostgreSQL: temporary, or with its data in this folder')
  command.optionsGroup(OWN_GROUP)
  return extended
}

/** What `withDatabaseFlags` leaves in a subcommand's options. */
export interface DatabaseFlags {
  readonly databaseUrl?: string | undefined
  readonly dbname?: string | undefined
  readonly envFile?: string | undefined
  readonly schema?: string | undefined
  readonly embedded?: string | true | undefined
  /** Of commands with `--wait-for-database`, in milliseconds. */
  readonly waitForDatabase?: number | undefined
  /** Of commands that can be held to a plan. */
  readonly planHash?: string | undefined
  /** Of commands that read migration files. */
  readonly migrations?: string | undefined
}

/** Collects the values of a flag that may be given several times. */
const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  parseName(text),
]

const parseClientId = parseWholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

/** Flags that name files of chat servers which may hold lines of a person. */
export const withServerFileFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) =>
  command
    .addOption(
      new Option(
        '--journal <file>',
        'also this journal of serve --journal, with the files beside it; may be given several times',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--recording <file>',
        'also this recording of serve --record, with FILE.1, FILE.2, … that serve made of its name; may be given several times',
      ).argParser(collect),
    )

/** Flags that name a person. */
export const withPersonFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) =>
  command
    .addOption(
      new Option('--client-id <number>', 'this client; may be given several times').argParser(
        (text: string, before: readonly number[] | undefined): readonly number[] => [
          ...(before ?? []),
          parseClientId(text),
        ],
      ),
    )
    .addOption(
      new Option(
        '--username <name>',
        'clients of exactly this name, or who had it if nobody has it now, and what guests wrote under it',
      ).argParser(collect),
    )
    .addOption(
      new Option('--phone <number>', 'clients and guests with exactly this phone; reads all messages').argParser(
        collect,
      ),
    )
