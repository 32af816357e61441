import type { Blocks } from '../locks/lock-modes.js'
import type { ScriptForm } from '../plan/draft-steps.js'

/** The facts in the head of every script. */
export interface HeadSubject {
  /** A command line for the database of the script, as the run names it. */
  readonly commandFor: (command: string) => string
  readonly form: ScriptForm
  readonly database: string
  readonly schema: string
  readonly planHash: string
  readonly estimatedMs: number
}

/** The facts in the head of the script of a migrate. */
export interface ScriptSubject extends HeadSubject {
  readonly steps: readonly unknown[]
  /** Statements on chatkeep's own schema. */
  readonly own: readonly string[]
  readonly archivedMessages: number
  /** Who is blocked by the locks on existing tables. */
  readonly blocks: Blocks
}

/** Comments that say what the script is for, how to run it, and who is blocked. */
export const scriptHead = (subject: ScriptSubject): string => {
  const { steps, own, archivedMessages } = subject
  return headComments('migrate --sql', subject, [
    ...(steps.length === 0 && own.length === 0 ? ['Nothing to run: no migration is pending.'] : howToRun(subject)),
    ...(archivedMessages === 0
      ? []
      : [`An earlier rollback archived ${archivedMessages} messages; the next chatkeep migrate restores them.`]),
  ])
}

/** The head as comments: the command that made it, what it is for, and the other lines. */
export const headComments = (
  madeBy: string,
  { commandFor, form, database, schema, planHash }: HeadSubject,
  others: readonly string[],
): string =>
  [
    commandFor(`${madeBy} ${form}`),
    `For database ${JSON.stringify(database)}, schema ${JSON.stringify(schema)}, in its current state: plan hash ${planHash}.`,
    ...others,
  ]
    .map((line) => `-- ${line}`.trimEnd())
    .join('\n')

const howToRun = (subject: ScriptSubject): readonly string[] => [
  `Before you run it, check that this still prints that hash: ${subject.commandFor('migrate --dry-run')}`,
  `Afterwards, run: ${subject.commandFor('verify')}`,
  ...(subject.form === 'statements' ? statementLines(subject) : transactionLines(subject)),
]

/** What every script does first. */
export const CHECKS =
  'Before the first change it checks that server, database, role and state are those of the plan; otherwise it changes nothing.'

export const ALL_OR_NOTHING = 'Runs in one transaction, all or nothing, with its own BEGIN and COMMIT.'

export const WAITS_FOR_LOCKS =
  'It waits 300 ms for each lock; "lock timeout" means that a table was in use and nothing was done. Run it again.'

const statementLines = ({ commandFor }: ScriptSubject): readonly string[] => [
  'Run it in one session, connected to the server directly, not through a pooler. Each statement commits on its own:',
  '  psql -v ON_ERROR_STOP=1 -f migrate.sql',
  'CREATE INDEX CONCURRENTLY cannot run in a transaction. For psql -1, or an editor that opens a transaction:',
  `  ${commandFor('migrate --sql transaction')}`,
  'ALTER TABLE waits 300 ms for its lock; "lock timeout" means that the table was in use. After any error, generate the',
  `script of the remaining steps: ${commandFor('migrate --sql statements')}`,
  CHECKS,
]

const transactionLines = ({ commandFor, blocks, estimatedMs }: ScriptSubject): readonly string[] => [
  ALL_OR_NOTHING,
  ...(blocks === 'nobody'
    ? ['The tables are new, so no other session is blocked.']
    : [
        `WARNING: without CONCURRENTLY, index builds block writers. With its other statements, the script blocks ${blocks}`,
        `of the chat tables until the COMMIT, for an estimated ${seconds(estimatedMs)}. For a database in use, rather:`,
        `  ${commandFor('migrate --sql statements')}`,
      ]),
  WAITS_FOR_LOCKS,
  CHECKS,
]

/** An estimate in words. */
export const seconds = (ms: number): string => (ms < 1_000 ? 'less than a second' : `about ${Math.round(ms / 1_000)} s`)
