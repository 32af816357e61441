import { hasSqlState, SqlState } from '../sql-state.js'

/** Where the server raises it, which no language changes; 18 and older, and what later versions call it. */
const ROUTINE = /^ProcessInterrupts$|RecoveryConflict|recovery_conflict/

/**
 * Whether a standby ended a query, or its session, because that held up recovery. The SQLSTATE alone does not tell: it is that
 * of two transactions that came in each other's way.
 */
export const isRecoveryConflict = (error: unknown): boolean =>
  hasSqlState(error, SqlState.serializationFailure, SqlState.deadlockDetected) && ROUTINE.test(error.routine ?? '')
