import { ExitCode, OperatorError } from '../errors.js'
import { printableLines } from './printable.js'
import type { Render } from './render.js'

/** An error for programs: `error` of the JSON document. */
export interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly sqlstate: string | null
  readonly details: readonly string[]
}

/** The exit code of an error; anything but an `OperatorError` is a bug. */
export const exitCodeOf = (error: unknown): ExitCode => (error instanceof OperatorError ? error.exitCode : ExitCode.bug)

export const toErrorDocument = (error: unknown): ErrorDocument =>
  error instanceof OperatorError
    ? {
        code: error.code,
        message: error.message,
        hint: error.hint ?? null,
        sqlstate: error.sqlState ?? null,
        details: error.details,
      }
    : { code: 'bug', message: String(error), hint: BUG_HINT, sqlstate: null, details: [] }

const BUG_HINT = 'this is a bug in chatkeep; please report it with the text above'

/** An error as lines of plain text: what is wrong, facts, what to type next. */
export const errorLines = ({ message, hint, details }: ErrorDocument): readonly string[] => [
  message,
  ...details,
  ...(hint === null ? [] : [`hint: ${hint}`]),
]

/** An error for stderr: what is wrong, facts, what to type next. Only a bug shows its stack. */
export const renderError = (error: unknown, { paint }: Render): string => {
  if (!(error instanceof OperatorError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `${paint.red('bug:')} ${printableLines(stack)}\n${BUG_HINT}\n`
  }
  const sqlState = error.sqlState === undefined ? '' : paint.dim(` [${error.sqlState}]`)
  const lines = [
    `${paint.red('error:')} ${printableLines(error.message)}${sqlState}`,
    ...error.details.map((detail) => `  ${printableLines(detail)}`),
  ]
  if (error.hint !== undefined) lines.push(`${paint.cyan('hint:')} ${printableLines(error.hint)}`)
  return `${lines.join('\n')}\n`
}
