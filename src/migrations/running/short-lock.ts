import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../database/connection.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { describeBlockers } from './describe-event.js'
import type { Blocker, OnMigrationEvent } from './events.js'
import { blockageBehind, type Blockage } from './watch-session.js'

const SHORTEST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 3_000

export interface LockWaitOptions {
  /**
   * How long a statement may wait for a lock that stops others. Behind a waiting ALTER TABLE every reader and writer of the
   * table waits as well, so this is also the longest stall that anybody sees.
   */
  readonly lockTimeoutMs: number
  /** In sum, over all attempts. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  readonly onEvent: OnMigrationEvent
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
  const { lockTimeoutMs, maxWaitMs, signal, onEvent } = options
  const startedAt = performance.now()
  for (let attempt = 1, pause = SHORTEST_PAUSE_MS; ; attempt += 1, pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    await client.query(begin)
    await client.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`)
    try {
      return await work()
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined)
      if (!hasSqlState(error, SqlState.lockNotAvailable, SqlState.deadlockDetected)) throw error
      signal.throwIfAborted()
      const blockage = blockageBehind(error) ?? (await findLockHolders(client))
      const elapsedMs = (): number => Math.round(performance.now() - startedAt)
      if (elapsedMs() + pause >= maxWaitMs) throw tableBusy(blockage, maxWaitMs, error)
      await pauseFor(pause * (0.5 + Math.random()), signal, () =>
        onEvent({ type: 'retrying', attempt, elapsedMs: elapsedMs(), maxWaitMs, ...blockage }),
      )
    }
  }
}

const REFRESH_MS = 500

// Nobody likes to look at a clock that stands still.
const pauseFor = async (pauseMs: number, signal: AbortSignal, tell: () => void): Promise<void> => {
  const end = performance.now() + pauseMs
  for (let left = pauseMs; left > 0 && !signal.aborted; left = end - performance.now()) {
    tell()
    await delay(Math.min(left, REFRESH_MS), undefined, { signal }).catch(() => undefined)
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

const wayOut = (blockers: readonly Blocker[]): string => {
  if (blockers.some(({ application }) => application === AUTOVACUUM))
    return 'an autovacuum steps aside for whoever waits longer than deadlock_timeout: run this again with --lock-timeout 1500ms'
  if (blockers.some(({ pid }) => pid === 0))
    return 'only COMMIT PREPARED or ROLLBACK PREPARED ends a prepared transaction (SELECT * FROM pg_prepared_xacts); then run this again'
  return 'end or wait for those sessions and run this again, or give it longer with --max-wait 10m'
}

/** As pg_stat_activity names its kind of backend. */
const AUTOVACUUM = 'autovacuum worker'

const tableBusy = ({ what, blockers }: Blockage, maxWaitMs: number, cause: unknown): OperatorError => {
  const holders = blockers.length === 0 ? 'its lock was not free in time' : describeBlockers(blockers)
  return new OperatorError('table_busy', `${what} was in use for ${maxWaitMs / 1_000} s: ${holders}`, {
    exitCode: ExitCode.busy,
    retryable: true,
    cause,
    sqlState: SqlState.lockNotAvailable,
    hint: wayOut(blockers),
  })
}

// Never the query text: it holds what people wrote.
const SELECT_LOCK_HOLDERS = `
  SELECT DISTINCT a.pid, a.usename AS "user", coalesce(nullif(a.application_name, ''), a.backend_type) AS "application",
    a.state, a.xact_start AS "since",
    round(extract(epoch FROM clock_timestamp() - a.xact_start))::float AS "transactionS", NULL AS "query"
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.granted AND l.relation IN (
      to_regclass('"ChatMessage"'), to_regclass('"Client"'), to_regclass('"chatkeep_chats"'), to_regclass('"chatkeep_guest_clients"'))
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND a.pid <> pg_backend_pid()
  ORDER BY a.xact_start`

// For when nobody was seen while it lasted: a very short lock time-out, or no second connection.
const findLockHolders = async (client: Queryable): Promise<Blockage> => {
  const { rows: blockers } = await client.query<Blocker>(SELECT_LOCK_HOLDERS)
  return { what: 'a table of the chat', blockers }
}
