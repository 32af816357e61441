import type { Client } from 'pg'

/** A server that does not report its own statement time-out within this time is frozen or unreachable. */
const ANSWER_GRACE_MS = 2_000

/** How long to wait for the answer to a statement that the server ends after this time. In milliseconds, both. */
export const queryTimeoutFor = (statementTimeoutMs: number): number => statementTimeoutMs + ANSWER_GRACE_MS

type Session = Pick<Client, 'query'>

/** What a cancelled statement (57014) is called, depending on who cancelled it. */
export const CANCELLED = {
  byLimit: { code: 'statement_timeout', message: 'a statement took longer than statement_timeout' },
  bySomebody: { code: 'statement_cancelled', message: 'somebody cancelled the statement on the server' },
}

/** In milliseconds; 0 means none. `initialMs` is what the role or the database sets for a new session. */
interface Limits {
  readonly limitMs: number
  readonly initialMs: number
}

const SELECT_LIMITS = `SELECT "setting"::float AS "limitMs", "reset_val"::float AS "initialMs"
  FROM pg_catalog.pg_settings WHERE "name" = 'statement_timeout'`

/**
 * Whether a statement that the server cancelled (57014) can have reached statement_timeout; otherwise somebody cancelled it.
 * Its SQLSTATE is the same, and its message depends on lc_messages.
 * @param limitMs the limit that was in force; read from the session when absent
 * @param connectMs how long connecting took, with the statement that sets our limit: it runs under the initial one, which may
 *   end as late as in the statement after it
 */
export const reachedLimit = async (
  client: Session,
  elapsedMs: number,
  limitMs?: number,
  connectMs = 0,
): Promise<boolean> => {
  if (isReached(limitMs, elapsedMs)) return true
  const limits = await readLimits(client)
  return isReached(limitMs ?? limits.limitMs, elapsedMs) || isReached(limits.initialMs, connectMs)
}

const isReached = (limitMs: number | undefined, elapsedMs: number): boolean =>
  limitMs !== undefined && limitMs > 0 && elapsedMs >= limitMs

const readLimits = async (client: Session): Promise<Limits> => {
  const none = { limitMs: 0, initialMs: 0 }
  try {
    const { rows } = await client.query<Limits>(SELECT_LIMITS)
    return rows[0] ?? none
  } catch {
    // The session is gone, too: somebody ended it.
    return none
  }
}
