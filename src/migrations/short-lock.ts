import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../database/connection.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { ExitCode, OperatorError } from '../errors.js'

/**
 * How long a statement may wait for a lock that stops others. Behind a waiting ALTER TABLE every reader and writer of the
 * table waits as well, so this is also the longest stall that anybody sees.
 */
const LOCK_TIMEOUT_MS = 300
const SHORTEST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 3_000

export interface LockWaitOptions {
  /** In sum, over all attempts. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  /** Told what a person would want to know meanwhile, line by line. */
  readonly onProgress: (line: string) => void
}

/**
 * Runs work in transactions that wait only briefly for locks, again and again, with growing random pauses, until it gets them.
 * @param begin the statement that opens the transaction
 * @returns with the transaction still open, so that the caller can add to it and commit
 * @throws OperatorError `table_busy` (exit 4) naming who holds locks, after `maxWaitMs`; nothing was changed
 */
export const beginWithShortLocks = async <T>(
  client: Queryable,
  begin: string,
  options: LockWaitOptions,
  work: () => Promise<T>,
): Promise<T> => {
  const deadline = Date.now() + options.maxWaitMs
  for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    await client.query(begin)
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
    try {
      return await work()
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined)
      if (!hasSqlState(error, SqlState.lockNotAvailable, SqlState.deadlockDetected)) throw error
      options.signal.throwIfAborted()
      const holders = await findLockHolders(client)
      if (Date.now() + pause >= deadline) throw tableBusy(holders, options.maxWaitMs, error)
      options.onProgress(`"ChatMessage" is in use: ${holders}; trying again`)
      await delay(pause * (0.5 + Math.random()), undefined, { signal: options.signal }).catch(() => undefined)
    }
  }
}

/** `beginWithShortLocks`, committed. */
export const withShortLocks = async <T>(
  client: Queryable,
  options: LockWaitOptions,
  work: () => Promise<T>,
): Promise<T> => {
  const result = await beginWithShortLocks(client, 'BEGIN', options, work)
  await client.query('COMMIT')
  return result
}

const tableBusy = (holders: string, maxWaitMs: number, cause: unknown): OperatorError =>
  new OperatorError('table_busy', `"ChatMessage" was in use for ${maxWaitMs / 1_000} s: ${holders}`, {
    exitCode: ExitCode.busy,
    retryable: true,
    cause,
    sqlState: SqlState.lockNotAvailable,
    hint: 'end or wait for those sessions and run this again, or give it longer with --max-wait 10m',
  })

interface LockHolder {
  readonly pid: number
  readonly application: string | null
  readonly user: string | null
  readonly state: string | null
  readonly ageS: string | null
}

// Never the query text: it holds what people wrote.
const SELECT_LOCK_HOLDERS = `
  SELECT DISTINCT a.pid, a.application_name AS "application", a.usename AS "user", a.state,
    round(extract(epoch FROM clock_timestamp() - a.xact_start)) AS "ageS"
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.granted AND l.relation IN (
      to_regclass('"ChatMessage"'), to_regclass('"Client"'), to_regclass('"chatkeep_chats"'), to_regclass('"chatkeep_guest_clients"'))
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
  ORDER BY "ageS" DESC NULLS LAST
  LIMIT 3`

const findLockHolders = async (client: Queryable): Promise<string> => {
  const { rows } = await client.query<LockHolder>(SELECT_LOCK_HOLDERS)
  if (rows.length === 0) return 'its lock was not free in time'
  return rows
    .map(({ pid, application, user, state, ageS }) =>
      [
        `pid ${pid}`,
        application,
        user === null ? null : `as ${user}`,
        state,
        ageS === null ? null : `in a transaction for ${ageS} s`,
      ]
        .filter((fact) => fact !== null && fact !== '')
        .join(', '),
    )
    .join('; ')
}
