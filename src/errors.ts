import { describeSteps, toSteps, type Next, type NextStep } from './next-step.js'

/**
 * Exit codes of the command line. They are defined beside the errors because each `OperatorError` has its exit code.
 */
export const ExitCode = {
  /** Done, healthy, nothing to report. */
  done: 0,
  /** The answer is no: findings, a lost message, a failed migration. */
  no: 1,
  /** Wrong usage: unknown flag, invalid configuration, missing file. */
  usage: 2,
  /** The database could not be reached or asked: connection, authentication, a missing privilege, a time-out. */
  unreachable: 3,
  /** Busy, try again: another process holds the lock. */
  busy: 4,
  /** Refused: confirmation is missing, or data would be lost. */
  refused: 5,
  /** A bug in chatkeep. */
  bug: 70,
  /** Ended by SIGHUP: the terminal is gone. */
  hungUp: 129,
  /** Ended by SIGINT (Ctrl-C). */
  interrupted: 130,
  /** Ended by SIGQUIT. */
  quit: 131,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface OperatorErrorOptions {
  /** What to do next: a command, SQL or advice, or several of them in their order. */
  readonly hint?: Next | undefined
  readonly exitCode?: ExitCode | undefined
  /** Further lines, each a separate fact (a source line with a caret, a list of mistakes). */
  readonly details?: readonly string[] | undefined
  /** SQLSTATE, when the server reported the error. */
  readonly sqlState?: string | undefined
  /** The same call may succeed later, unchanged. */
  readonly retryable?: boolean | undefined
  /** Further keys of the error's JSON document: plain data. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined
  readonly cause?: unknown
}

/**
 * An error that its reader can act on: it says what is wrong, with which thing, and what to do next. Every other error is a
 * bug in chatkeep and is reported with its stack. `code` is stable, in lower snake case, and part of the public API. What only
 * the command line needs is no property of its own, so that it is in no log of an application.
 */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError'
  readonly code: string
  /** The same call may succeed later, unchanged. */
  readonly retryable: boolean
  /** What to do next, in one line, for the caller of the library; commands stand without the flags that name a database. */
  declare readonly hint: string | undefined
  /** Further facts. */
  readonly details: readonly string[]
  /** SQLSTATE, when the server reported the error. */
  declare readonly sqlState: string | undefined
  readonly #forCommands: Pick<OperatorError, 'next' | 'exitCode' | 'facts'>

  constructor(code: string, message: string, options: OperatorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const next = toSteps(options.hint)
    this.code = code
    this.retryable = options.retryable ?? false
    if (next.length > 0) this.hint = describeSteps(next, 'caller')
    this.details = options.details ?? []
    if (options.sqlState !== undefined) this.sqlState = options.sqlState
    this.#forCommands = { next, exitCode: options.exitCode ?? ExitCode.usage, facts: options.facts ?? {} }
  }

  /** JSON leaves out the message of an error, and a log would lack it. */
  toJSON(): object {
    return Object.assign({ message: this.message }, this)
  }

  /**
   * What to do next, step by step.
   * @internal
   */
  get next(): readonly NextStep[] {
    return this.#forCommands.next
  }

  /** @internal */
  get exitCode(): ExitCode {
    return this.#forCommands.exitCode
  }

  /**
   * Further keys of the error's JSON document.
   * @internal
   */
  get facts(): Readonly<Record<string, unknown>> {
    return this.#forCommands.facts
  }
}

/**
 * The error of work that a signal ended, with the exit code of the signal's reason.
 * @param describe builds the message from what ended the work, such as `ended by SIGINT`
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

/** Copies an error, with one more detail, and another hint, if one is given. */
export const withDetail = (error: OperatorError, detail: string, hint: Next = error.next): OperatorError => {
  const { code, message, exitCode, sqlState, retryable, details, facts } = error
  return new OperatorError(code, message, {
    hint,
    exitCode,
    sqlState,
    retryable,
    details: [...details, detail],
    facts,
    cause: error,
  })
}
