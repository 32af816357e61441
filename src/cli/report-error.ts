import { ExitCode, OperatorError } from '../errors.js'
import type { Render } from '../terminal/render.js'

/** An error as a program reads it, under `error` of the JSON document. */
export interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly sqlstate: string | null
  readonly details: readonly string[]
}

/** The exit code that an error deserves: its own when the reader can act on it, else that of a bug. */
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

/** What went wrong, then facts, then what to type next. Only a bug shows a stack. */
export const renderError = (error: unknown, { paint }: Render): string => {
  if (!(error instanceof OperatorError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `${paint.red('bug:')} ${stack}\n${BUG_HINT}\n`
  }
  const sqlState = error.sqlState === undefined ? '' : paint.dim(` [${error.sqlState}]`)
  const lines = [`${paint.red('error:')} ${error.message}${sqlState}`, ...error.details.map((detail) => `  ${detail}`)]
  if (error.hint !== undefined) lines.push(`${paint.cyan('hint:')} ${error.hint}`)
  return `${lines.join('\n')}\n`
}
