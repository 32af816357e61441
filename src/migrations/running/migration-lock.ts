import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../database/connection.js'
import { ExitCode, interruptedBy, OperatorError } from '../../errors.js'
import {
  describeBlockers,
  MIGRATION_LOCK,
  MIGRATION_LOCK_KEY as LOCK_KEY,
  type Blocker,
} from '../../database/blockers.js'
import type { OnWaitEvent } from '../../database/waiting/wait-events.js'
import { beginWait, type WaitBudget } from '../../database/waiting/wait-budget.js'
import { again } from '../../next-step.js'

const POLL_MS = 200

export interface LockOptions {
  readonly maxWait: WaitBudget
  readonly signal: AbortSignal
  readonly onEvent: OnWaitEvent
}

/**
 * Runs work while holding the lock that every migrate and rollback of a database takes. Polls, because a waiting
 * pg_advisory_lock would deadlock with a CREATE INDEX CONCURRENTLY of the holder.
 * @throws OperatorError `migration_lock_held` (exit 4) naming the holder
 */
export const withMigrationLock = async <T>(
  client: Queryable,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> => {
  await acquire(client, options)
  try {
    return await work()
  } finally {
    // If this fails, the connection is lost, and the lock with it.
    await client.query(`SELECT pg_advisory_unlock(${LOCK_KEY})`).catch(() => undefined)
  }
}

const acquire = async (client: Queryable, { maxWait, signal, onEvent }: LockOptions): Promise<void> => {
  const wait = beginWait(maxWait)
  for (;;) {
    const { rows } = await client.query<{ acquired: boolean }>(`SELECT pg_try_advisory_lock(${LOCK_KEY}) AS "acquired"`)
    if (rows[0]?.acquired === true) {
      wait.end()
      return
    }
    if (signal.aborted) throw interruptedWaiting(signal)
    const elapsedMs = wait.elapsedMs()
    const blockers = await findHolders(client)
    if (elapsedMs >= maxWait.maxMs) throw lockHeld(blockers)
    onEvent({ type: 'waiting', what: MIGRATION_LOCK, statement: null, elapsedMs, blockers })
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

const interruptedWaiting = (signal: AbortSignal): OperatorError =>
  interruptedBy(signal, (ended) => `${ended} while waiting for the migration lock`, {
    details: ['state: nothing was changed'],
    hint: ['wait until the other migration is done', again()],
  })

const lockHeld = (holders: readonly Blocker[]): OperatorError => {
  const holder = holders.length === 0 ? 'a session that just ended' : describeBlockers(holders)
  return new OperatorError('migration_lock_held', `another migration is running: the lock is held by ${holder}`, {
    exitCode: ExitCode.busy,
    retryable: true,
    facts: { blockers: holders },
    hint: again('--max-wait 10m', 'when it is done, or to wait longer'),
  })
}

// pg_locks shows a bigint key as two halves.
const SELECT_HOLDERS = `
  SELECT a.pid, a.usename AS "user", a.application_name AS "application", a.state, a.xact_start AS "since",
    round(extract(epoch FROM clock_timestamp() - a.xact_start))::float AS "transactionS", NULL AS "query"
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = ${LOCK_KEY}
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`

const findHolders = async (client: Queryable): Promise<readonly Blocker[]> => {
  const { rows } = await client.query<Blocker>(SELECT_HOLDERS)
  return rows
}
