import { ExitCode, OperatorError } from '../errors.js'
import type { NextStep } from '../next-step.js'
import type { Terminal } from './terminal.js'

/** What is confirmed with the name of a database. */
export interface Confirmation {
  readonly database: string
  /** What has to be typed: the name or, where the environment names another database, the host as well. */
  readonly wanted: string
  /** What was given after `--confirm`. */
  readonly given: string | undefined
  /** Such as `Roll back crm on db:5432?`. */
  readonly question: string
  /** Such as `a rollback`. */
  readonly what: string
  /** The command line that needs no question. */
  readonly command: NextStep
}

/** @throws OperatorError `confirmation_missing` (exit 5) unless the database was named as this run has to name it */
export const confirmByName = async (
  { database, wanted, given, question, what, command }: Confirmation,
  { ask }: Pick<Terminal, 'ask'>,
): Promise<void> => {
  const form = wanted === database ? "the database's name" : 'HOST/NAME'
  const answer = given ?? (await ask(`${question} Type ${form}: `))
  if (answer === wanted) return
  const why = whyNot(answer, { wanted, database, what })
  throw new OperatorError('confirmation_missing', `${why}; nothing was changed`, {
    exitCode: ExitCode.refused,
    hint: command,
  })
}

const whyNot = (
  answer: string | undefined,
  { wanted, database, what }: Pick<Confirmation, 'wanted' | 'database' | 'what'>,
): string => {
  if (wanted !== database && (answer === undefined || answer === database))
    return `the environment names another database, too: ${what} must be confirmed with ${wanted}`
  return answer === undefined
    ? `${what} must be confirmed with the name of the database`
    : `${JSON.stringify(answer)} is not the name of this database`
}
