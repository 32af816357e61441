import { isConnectionFailure } from '../../src/database/connection-failure.js'
import { isServerError } from '../../src/database/sql-state.js'
import { OperatorError } from '../../src/errors.js'
import { checkOperations, type Check, type CheckOptions } from '../../src/replay/checking/check-operations.js'
import { judgeRun, type FaultCount, type RunJudgement } from '../../src/replay/checking/judge-run.js'

export interface CheckedRun extends RunJudgement {
  /** Undefined when reading back failed. */
  readonly check: Check | undefined
}

/**
 * Reads a run back and judges it. A read-back that fails makes the run unknown.
 * @throws the signal's reason
 */
export const checkRun = async (
  options: CheckOptions & { readonly faults?: readonly FaultCount[] | undefined },
): Promise<CheckedRun> => {
  try {
    const check = await checkOperations(options)
    return { check, ...judgeRun(check, options.faults) }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!(error instanceof OperatorError) && !isDatabaseError(error)) throw error
    return { check: undefined, verdict: 'unknown', reasons: [`nothing was read back: ${error.message}`] }
  }
}

const isDatabaseError = (error: unknown): error is Error =>
  error instanceof Error && (isServerError(error) || isConnectionFailure(error))
