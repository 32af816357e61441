import type { Queryable } from '../../database/connection.js'
import { hasSqlState, isBlockedByRow, isServerError, SqlState, type ServerError } from '../../database/sql-state.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import { IdempotencyConflict, IdTooLarge, MessageNotStored } from '../../persistence/errors.js'
import type { ProbeFindings } from './findings.js'
import type { ProbeSession } from './session.js'

/** What every step of the guest flow works with. */
export interface GuestFlow {
  readonly store: ChatStore
  /** The connection with the transaction of the probe. */
  readonly client: Queryable
  readonly session: ProbeSession
  readonly guest: { readonly username: string; readonly phone: string; readonly operatorId: number | null }
  /** The role that the probe runs as. */
  readonly user: string
  /** Statements that give the role what it lacks. */
  readonly grants: readonly string[]
  readonly schema: string
  readonly signal: AbortSignal
}

/** The result of a step: its value, unless it failed, and the errors of the server on the way. */
interface Outcome<T> {
  readonly value: T | undefined
  readonly refusals: readonly ServerError[]
}

/** Runs a step. If it fails, that becomes a finding. */
export const attempt = async <T>(
  { session, signal }: GuestFlow,
  found: ProbeFindings,
  step: string,
  work: () => Promise<T>,
): Promise<Outcome<T>> => {
  session.takeRefusals()
  try {
    const value = await work()
    return { value, refusals: session.takeRefusals() }
  } catch (error) {
    signal.throwIfAborted()
    const refusals = session.takeRefusals()
    explain(error, refusals, step, found)
    return { value: undefined, refusals }
  }
}

const explain = (error: unknown, refusals: readonly ServerError[], step: string, found: ProbeFindings): void => {
  const refusal = isServerError(error) ? error : refusals.at(-1)
  // Whether a guest's message is kept cannot be said while a table is locked.
  if (hasSqlState(refusal, SqlState.lockNotAvailable) && !isBlockedByRow(refusal)) throw refusal
  if (refusal !== undefined) {
    found.refused(step, refusal)
    return
  }
  if (error instanceof MessageNotStored) {
    found.swallowed(step)
    return
  }
  if (error instanceof IdempotencyConflict) {
    found.keyConflict(step)
    return
  }
  if (error instanceof IdTooLarge) {
    found.idTooLarge(step)
    return
  }
  // An error of no known kind: usually the connection is lost.
  throw error
}

/** An id that is unique to this probe. */
export const socketOf = ({ guest }: Pick<GuestFlow, 'guest'>, kind: string): string => `${guest.username}-${kind}`
