import { ExitCode, OperatorError } from '../../src/errors.js'

/** What was measured cannot be trusted: something is missing, or there was nothing to measure. */
export const checkFailed = (message: string): OperatorError =>
  new OperatorError('check_failed', message, { exitCode: ExitCode.no })
