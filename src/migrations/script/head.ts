import type { Blocks } from '../locks/lock-modes.js'
import type { ScriptForm } from '../plan/draft-steps.js'

/** What the head of a script says. */
export interface ScriptSubject {
  readonly form: ScriptForm
  readonly database: string
  readonly schema: string
  readonly planHash: string
  readonly steps: readonly unknown[]
  readonly archivedMessages: number
  /** Whom the locks of all statements stop, those of tables that are not there yet left out. */
  readonly blocks: Blocks
  readonly estimatedMs: number
}

/** Comments that say what the script is for, how to run it, and what it costs others. */
export const scriptHead = (subject: ScriptSubject): string => {
  const { form, database, schema, planHash, steps, archivedMessages } = subject
  const lines = [
    `chatkeep migrate --sql ${form}`,
    `For database ${JSON.stringify(database)}, schema ${JSON.stringify(schema)}, as it is now: plan hash ${planHash}.`,
    ...(steps.length === 0 ? ['Nothing is pending: there is nothing to run.'] : howToRun(subject)),
    ...(archivedMessages === 0
      ? []
      : [`An earlier rollback archived ${archivedMessages} messages: the next chatkeep migrate puts them back.`]),
  ]
  return lines.map((line) => `-- ${line}`).join('\n')
}

const howToRun = (subject: ScriptSubject): readonly string[] => [
  `Before it, chatkeep migrate --dry-run must still say that hash; after it, run chatkeep verify.`,
  ...(subject.form === 'statements' ? STATEMENTS : transactionLines(subject)),
]

const STATEMENTS = [
  'Runs statement by statement, each committed by itself, in ONE session on the server itself, not through a pooler:',
  '  psql -v ON_ERROR_STOP=1 -f migrate.sql',
  'CREATE INDEX CONCURRENTLY cannot run in a transaction, so psql -1 and editors that open one will refuse it; for them',
  'there is chatkeep migrate --sql transaction. ALTER TABLE waits 300 ms for its lock: "lock timeout" means that the',
  'table was in use. Then, and after any other error, ask for the script of what is left: chatkeep migrate --sql',
  'The statement "nobody_else_migrates" fails with a division by zero while another migration runs.',
]

const transactionLines = ({ blocks, estimatedMs }: ScriptSubject): readonly string[] => [
  'Runs in one transaction: all of it or nothing. It has its own BEGIN and COMMIT.',
  ...(blocks === 'nobody'
    ? ['The tables are new, so nobody is stopped.']
    : [
        `WARNING: without CONCURRENTLY its index builds stop writers. Together with the other statements it stops ${blocks}`,
        `of the chat tables until the COMMIT, by estimate for ${seconds(estimatedMs)}. For a database in use take`,
        'chatkeep migrate --sql statements instead.',
      ]),
  'It waits 300 ms for each lock: "lock timeout" means that a table was in use and nothing was done; run it again.',
  'The statement "nobody_else_migrates" fails with a division by zero while another migration runs.',
]

const seconds = (ms: number): string => (ms < 1_000 ? 'less than a second' : `about ${Math.round(ms / 1_000)} s`)
