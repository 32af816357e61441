import { ExitCode, OperatorError } from '../errors.js'
import {
  describeSteps,
  labelledSteps,
  toStepDocuments,
  type NextStepDocument,
  type TargetNaming,
} from '../next-step.js'
import { printableLines } from './printable.js'
import type { Render } from './render.js'

/** An error for programs: `error` of the JSON document. */
export interface ErrorDocument {
  readonly code: string
  readonly message: string
  /** What to do next, in one line; `steps` has it step by step. */
  readonly hint: string | null
  readonly steps: readonly NextStepDocument[]
  readonly sqlstate: string | null
  readonly details: readonly string[]
  /** Of a bug: the path of its crash report, if it could be written. */
  readonly report?: string | null
}

/** The exit code of an error; anything but an `OperatorError` is a bug. */
export const exitCodeOf = (error: unknown): ExitCode => (error instanceof OperatorError ? error.exitCode : ExitCode.bug)

/**
 * @param naming how the run names its database, for the commands in the hint
 * @param report the path of the crash report of a bug
 */
export const toErrorDocument = (error: unknown, naming?: TargetNaming, report?: string): ErrorDocument =>
  error instanceof OperatorError
    ? {
        code: error.code,
        message: error.message,
        hint: error.next.length === 0 ? null : describeSteps(error.next, naming),
        steps: toStepDocuments(error.next, naming),
        sqlstate: error.sqlState ?? null,
        details: error.details,
        ...error.facts,
      }
    : {
        code: 'bug',
        message: String(error),
        hint: bugHint(report),
        steps: toStepDocuments(bugHint(report)),
        sqlstate: null,
        details: [],
        report: report ?? null,
      }

const bugHint = (report: string | undefined): string =>
  report === undefined
    ? 'this is a bug in chatkeep; please report it with the text above'
    : `this is a bug in chatkeep; please report it with the file ${report}, which has no secrets and no data`

/** An error as a line of stderr for programs. */
export const errorEvent = (document: ErrorDocument): string =>
  JSON.stringify({ at: new Date(), type: 'error', ...document })

/** An error as lines of plain text: what is wrong, facts, what to type next. */
export const errorLines = ({ message, hint, details }: ErrorDocument): readonly string[] => [
  message,
  ...details,
  ...(hint === null ? [] : [`hint: ${hint}`]),
]

/** An error for stderr: what is wrong, facts, what to type next. Only a bug without a crash report shows its stack. */
export const renderError = (error: unknown, { paint }: Render, naming?: TargetNaming, report?: string): string => {
  if (!(error instanceof OperatorError)) {
    const stack = error instanceof Error && report === undefined ? (error.stack ?? error.message) : String(error)
    return `${paint.red('bug:')} ${printableLines(stack)}\n${paint.cyan('hint:')} ${bugHint(report)}\n`
  }
  const sqlState = error.sqlState === undefined ? '' : paint.dim(` [${error.sqlState}]`)
  const lines = [
    `${paint.red('error:')} ${printableLines(error.message)}${sqlState}`,
    ...error.details.map((detail) => `  ${printableLines(detail)}`),
  ]
  const steps = labelledSteps(error.next, naming).map(
    ({ label = 'hint', text }) => `${paint.cyan(`${label}:`)} ${printableLines(text)}`,
  )
  return `${[...lines, ...steps].join('\n')}\n`
}
