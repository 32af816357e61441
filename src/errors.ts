/**
 * Exit codes of the command line. `metrics --check` alone speaks the codes of Nagios instead (0 to 3).
 * They live beside the errors because an error that a reader can act on knows which of them it deserves.
 */
export const ExitCode = {
  /** Done, healthy, nothing to report. */
  done: 0,
  /** The question was asked and the answer is no: findings, a lost message, a failed migration. */
  no: 1,
  /** Asked wrongly: unknown flag, bad configuration, missing file. */
  usage: 2,
  /** Could not ask: connect, authentication, time-out. */
  unreachable: 3,
  /** Busy, try again: somebody else holds the lock. */
  busy: 4,
  /** Refused: a confirmation is missing, or data would be lost. */
  refused: 5,
  /** A bug in chatkeep. */
  bug: 70,
  /** Ended by SIGINT (Ctrl-C). */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface OperatorErrorOptions {
  /** The next command to type, or the next thing to look at. */
  readonly hint?: string | undefined
  readonly exitCode?: ExitCode | undefined
  /** Further lines, each a fact of its own (a source line with a caret, a list of mistakes). */
  readonly details?: readonly string[] | undefined
  /** SQLSTATE of the server's answer, where there was one. */
  readonly sqlState?: string | undefined
  /** The same call may succeed later without anybody changing anything. */
  readonly retryable?: boolean | undefined
  readonly cause?: unknown
}

/**
 * An error whose reader can do something about it: what is wrong, with which thing, and what to do next.
 * Every other error is a bug in chatkeep and is reported with its stack.
 * `code` is stable, lower-case snake case, and part of the public contract.
 */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError'
  readonly code: string
  readonly hint: string | undefined
  readonly exitCode: ExitCode
  readonly details: readonly string[]
  readonly sqlState: string | undefined
  readonly retryable: boolean

  constructor(code: string, message: string, options: OperatorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? ExitCode.usage
    this.details = options.details ?? []
    this.sqlState = options.sqlState
    this.retryable = options.retryable ?? false
  }
}

/**
 * Work that was ended from outside, with the exit code that its signal's reason asks for.
 * @param describe makes the message of what ended it, such as `ended by SIGINT`
 */
export const interruptedBy = (
  signal: AbortSignal,
  describe: (ended: string) => string,
  options: Pick<OperatorErrorOptions, 'details' | 'hint' | 'cause'>,
): OperatorError => {
  const reason: unknown = signal.reason
  const [ended, exitCode] =
    reason instanceof OperatorError ? [reason.message, reason.exitCode] : ['interrupted', ExitCode.interrupted]
  return new OperatorError('interrupted', describe(ended), { ...options, exitCode })
}

/** The same error with one more fact, and with a hint if it had none. */
export const withDetail = (error: OperatorError, detail: string, otherwiseHint?: string): OperatorError => {
  const { code, message, hint = otherwiseHint, exitCode, sqlState, retryable, details } = error
  return new OperatorError(code, message, {
    hint,
    exitCode,
    sqlState,
    retryable,
    details: [...details, detail],
    cause: error,
  })
}
