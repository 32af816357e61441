import type { Pool } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { describeBlockage, endBlockers, type Blockage } from '../blockers.js'
import { failureReason, firstCause, isConnectionFailure } from '../connection-failure.js'
import type { ConnectionTarget } from '../connection-target.js'
import { SqlState } from '../sql-state.js'
import { blockageOf, SELECT_BACKEND, type BackendSnapshot } from './backend-snapshot.js'
import { findLockHolders } from './lock-holders.js'
import type { OnWaitEvent } from './wait-events.js'
import { createWatcherPool } from './watcher-pool.js'

const FIRST_LOOK_MS = 500
const LOOK_EVERY_MS = 1_000

/** How long after the last look an error still counts as that of the wait. */
const FRESH_MS = 5_000

// Sessions of ours may also wait for each other; what matters is the one that waits for somebody else.
const SELECT_WAITING = `
  SELECT a.pid
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = current_database() AND a.wait_event_type = 'Lock' AND starts_with(a.application_name, $1)
    AND EXISTS (
      SELECT FROM unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b ("pid")
      LEFT JOIN pg_catalog.pg_stat_activity AS o ON o.pid = b."pid"
      WHERE NOT starts_with(coalesce(o.application_name, ''), $1))
  ORDER BY a.query_start
  LIMIT 1`

interface Seen {
  readonly at: number
  readonly blockage: Blockage
}

/**
 * Runs work that uses connections of a pool, and reports once a second who blocks one of them.
 * @param applicationName what the names of its sessions begin with
 * @throws OperatorError of the work; where somebody blocked it, with exit code 4, and naming who
 */
export const withApplicationWatch = async <T>(
  target: ConnectionTarget,
  applicationName: string,
  onEvent: OnWaitEvent,
  work: () => Promise<T>,
): Promise<T> => {
  let pool: Pool | undefined
  let seen: Seen | undefined
  let since = 0
  const look = async (): Promise<void> => {
    pool ??= createWatcherPool(target)
    const blockage = await readBlockage(pool, applicationName)
    if (ended || blockage === undefined) {
      since = 0
      return
    }
    const at = performance.now()
    since ||= at
    seen = { at, blockage }
    onEvent({ type: 'waiting', statement: null, elapsedMs: Math.round(at - since), ...blockage })
  }
  let ended = false
  let lostAt: number | undefined
  const lookAgain = (): void => {
    // Without a second connection nobody is named; the work goes on.
    void look()
      .then(
        () => (lostAt = undefined),
        (error: unknown) => {
          const { wait } = target
          if (ended || wait === undefined || !isConnectionFailure(error)) return
          lostAt ??= performance.now()
          wait.onWait(failureReason(firstCause(error)), performance.now() - lostAt)
        },
      )
      .finally(() => {
        if (!ended) timer = setTimeout(lookAgain, LOOK_EVERY_MS)
      })
  }
  let timer = setTimeout(lookAgain, FIRST_LOOK_MS)
  try {
    return await work()
  } catch (error) {
    if (!isUnexplained(error)) throw error
    const fresh = seen !== undefined && performance.now() - seen.at < FRESH_MS ? seen.blockage : undefined
    throw named(error, fresh ?? (await blockageAfter(error, (pool ??= createWatcherPool(target)))))
  } finally {
    ended = true
    clearTimeout(timer)
    await pool?.end().catch(() => undefined)
  }
}

const readBlockage = async (pool: Pool, applicationName: string): Promise<Blockage | undefined> => {
  const waiting = await pool.query<{ pid: number }>(SELECT_WAITING, [applicationName])
  const [first] = waiting.rows
  if (first === undefined) return undefined
  const { rows } = await pool.query<BackendSnapshot>(SELECT_BACKEND, [first.pid, false])
  const [found] = rows
  return found === undefined ? undefined : blockageOf(found)
}

const BY_LOCK: readonly ExitCode[] = [ExitCode.unreachable, ExitCode.busy]

const isUnexplained = (error: unknown): error is OperatorError =>
  error instanceof OperatorError && BY_LOCK.includes(error.exitCode) && !('blockers' in error.facts)

/** Who holds what the failed statement waited for, where nobody was seen before the lock time-out. */
const blockageAfter = async (error: OperatorError, pool: Pool): Promise<Blockage | undefined> => {
  if (error.sqlState !== SqlState.lockNotAvailable) return undefined
  const blockage = await findLockHolders(pool, 'writes')
  return blockage.blockers.length === 0 ? undefined : blockage
}

const named = (error: OperatorError, blockage: Blockage | undefined): OperatorError => {
  if (blockage === undefined) return error
  const { code, message, details, sqlState } = error
  return new OperatorError(code, message, {
    details: [...details, describeBlockage(blockage)],
    ...{ sqlState, retryable: true, exitCode: ExitCode.busy, cause: error },
    hint: endBlockers(blockage.blockers),
    facts: { blockers: blockage.blockers },
  })
}
