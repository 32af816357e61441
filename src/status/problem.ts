import { ExitCode } from '../errors.js'
import { toSteps, type Next, type NextStep } from '../next-step.js'

/** Something that somebody should look at, and what to do about it. */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'unknown'
  readonly text: string
  /** What to do, step by step. */
  readonly next: readonly NextStep[]
  /** That of the command while nothing is more urgent. */
  readonly exitCode: ExitCode
}

/** What stops messages, or what the update needs. */
export const error = (text: string, next: Next, exitCode: ExitCode = ExitCode.no): Problem => {
  return { severity: 'error', text, next: toSteps(next), exitCode }
}

/** What works, and needs attention. */
export const warning = (text: string, next: Next): Problem => {
  return { severity: 'warning', text, next: toSteps(next), exitCode: ExitCode.done }
}

/** What could not be read. */
export const unknown = (text: string, next: Next | undefined, exitCode: ExitCode): Problem => {
  return { severity: 'unknown', text, next: toSteps(next), exitCode }
}
