import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../database/connection.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { AUTOVACUUM, describeBlockers } from './describe-event.js'
import type { Blocker, OnMigrationEvent } from './events.js'
import type { Blockage } from './statement-progress.js'
import { blockageBehind } from './watch-session.js'
import { again, or, sql, type Next } from '../../next-step.js'

export interface LockWaitOptions {
  /**
   * How long one attempt waits for a lock. Every reader and writer of the table queues behind a waiting ALTER TABLE, so this
   * is also the longest stall of other sessions.
   */
  readonly lockTimeoutMs: number
  /** Limit over all attempts. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  readonly onEvent: OnMigrationEvent
}

/**
 * Runs work in a transaction with a short lock time-out, and retries with exponential backoff and jitter until it succeeds.
 * @param begin the statement that opens the transaction
 * @returns with the transaction still open, for the caller to extend and commit
 * @throws OperatorError `table_busy` (exit 4) naming the lock holders, after `maxWaitMs`; nothing was changed
 */
export const beginWithShortLocks = async <T>(
  client: Queryable,
  begin: string,
  options: LockWaitOptions,
  work: () => Promise<T>,
): Promise<T> => {
  const { lockTimeoutMs, maxWaitMs, signal, onEvent } = options
  const startedAt = performance.now()
  for (let attempt = 1; ; attempt += 1) {
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
      const pause = backoffMs(attempt)
      if (elapsedMs() + pause >= maxWaitMs) throw tableBusy(blockage, maxWaitMs, error)
      await pauseFor(pause * (0.5 + Math.random()), signal, () =>
        onEvent({ type: 'retrying', attempt, elapsedMs: elapsedMs(), maxWaitMs, ...blockage }),
      )
    }
  }
}

const SHORTEST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 3_000

/** The pause after an attempt, counted from 1, before jitter of half to one and a half times. */
export const backoffMs = (attempt: number): number => Math.min(SHORTEST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS)

const REFRESH_MS = 500

// Reports repeatedly, so the elapsed time on screen keeps moving.
const pauseFor = async (pauseMs: number, signal: AbortSignal, report: () => void): Promise<void> => {
  const end = performance.now() + pauseMs
  for (let left = pauseMs; left > 0 && !signal.aborted; left = end - performance.now()) {
    report()
    await delay(Math.min(left, REFRESH_MS), undefined, { signal }).catch(() => undefined)
  }
}

/** Like `beginWithShortLocks`, but commits. */
export const withShortLocks = async <T>(
  client: Queryable,
  options: LockWaitOptions,
  work: () => Promise<T>,
): Promise<T> => {
  const result = await beginWithShortLocks(client, 'BEGIN', options, work)
  await client.query('COMMIT')
  return result
}

const busyHint = (blockers: readonly Blocker[]): Next => {
  if (blockers.some(({ application }) => application === AUTOVACUUM))
    return again('--lock-timeout 1500ms', 'autovacuum yields to a lock request that waits longer than deadlock_timeout')
  if (blockers.some(({ pid }) => pid === 0))
    return ['end the prepared transaction with COMMIT PREPARED or ROLLBACK PREPARED (see pg_prepared_xacts)', again()]
  const pids = blockers.map(({ pid }) => pid)
  return [
    ...(pids.length === 0
      ? ['wait until the table is free']
      : [
          sql(
            pids.map((pid) => `SELECT pg_terminate_backend(${pid})`),
            'wait for those sessions, or end them',
          ),
        ]),
    again(),
    or(again('--max-wait 10m', 'wait longer')),
  ]
}

const tableBusy = ({ what, blockers }: Blockage, maxWaitMs: number, cause: unknown): OperatorError => {
  const holders = blockers.length === 0 ? 'the lock was not free in time' : describeBlockers(blockers)
  return new OperatorError('table_busy', `${what} was in use for ${maxWaitMs / 1_000} s: ${holders}`, {
    exitCode: ExitCode.busy,
    retryable: true,
    cause,
    sqlState: SqlState.lockNotAvailable,
    hint: busyHint(blockers),
  })
}

// Never the query text, which may contain personal data.
const SELECT_LOCK_HOLDERS = `
  SELECT a.pid, a.usename AS "user", coalesce(nullif(a.application_name, ''), a.backend_type) AS "application",
    a.state, a.xact_start AS "since",
    round(extract(epoch FROM clock_timestamp() - a.xact_start))::float AS "transactionS", NULL AS "query",
    array_agg(DISTINCT c.relname::text) AS "tables"
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.granted AND c.relname IN ('ChatMessage', 'Client')
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND a.pid <> pg_backend_pid()
  GROUP BY a.pid, a.usename, a.application_name, a.backend_type, a.state, a.xact_start
  ORDER BY a.xact_start`

// Fallback if the watcher saw no blocker: the lock time-out was too short, or there is no second connection.
const findLockHolders = async (client: Queryable): Promise<Blockage> => {
  const { rows } = await client.query<Blocker & { tables: string[] }>(SELECT_LOCK_HOLDERS)
  const tables = [...new Set(rows.flatMap((row) => row.tables))]
  const named = tables.length === 0 ? ['ChatMessage', 'Client'] : tables
  return {
    what: named.map((table) => JSON.stringify(table)).join(' or '),
    blockers: rows.map(({ tables: _tables, ...blocker }) => blocker),
  }
}
