import { ExitCode } from '../errors.js'
import type { Next } from '../next-step.js'

/** Something that somebody should look at, and what to do about it. */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'unknown'
  readonly text: string
  readonly next: Next | undefined
  /** That of the command while nothing is more urgent. */
  readonly exitCode: ExitCode
}

/** What stops messages, or what the update needs. */
export const error = (text: string, next: Next | undefined, exitCode: ExitCode = ExitCode.no): Problem => {
  return { severity: 'error', text, next, exitCode }
}

/** What works, and needs attention. */
export const warning = (text: string, next: Next): Problem => {
  return { severity: 'warning', text, next, exitCode: ExitCode.done }
}
