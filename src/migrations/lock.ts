import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../database/connection.js'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'

/** The key that postgres-migrations takes, too: whoever runs that library by itself is kept out as well. */
export const LOCK_KEY = '-8525285245963000605'
const POLL_MS = 200

export interface LockOptions {
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  /** Told once, in words, who holds the lock that we wait for. */
  readonly onWait: (text: string) => void
}

/**
 * Holds the one lock that every migrate and rollback of a database takes. Polled, since a waiting pg_advisory_lock
 * would deadlock with the CREATE INDEX CONCURRENTLY of the holder.
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
    // Should this fail, the connection is gone, and the lock with it.
    await client.query(`SELECT pg_advisory_unlock(${LOCK_KEY})`).catch(() => undefined)
  }
}

const acquire = async (client: Queryable, { maxWaitMs, signal, onWait }: LockOptions): Promise<void> => {
  const deadline = Date.now() + maxWaitMs
  for (let first = true; ; first = false) {
    const { rows } = await client.query<{ acquired: boolean }>(`SELECT pg_try_advisory_lock(${LOCK_KEY}) AS "acquired"`)
    if (rows[0]?.acquired === true) return
    if (signal.aborted) throw interruptedWaiting(signal)
    if (Date.now() >= deadline) throw lockHeld(await findHolder(client))
    if (first) onWait(`waiting for the migration lock, held by ${await findHolder(client)}`)
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}

const interruptedWaiting = (signal: AbortSignal): OperatorError =>
  interruptedBy(signal, (ended) => `${ended} while waiting for the migration lock`, {
    details: ['state: nothing was changed'],
    hint: 'run the same command again when the other one is done',
  })

const lockHeld = (holder: string): OperatorError =>
  new OperatorError('migration_lock_held', `another migration is running: the lock is held by ${holder}`, {
    exitCode: ExitCode.busy,
    retryable: true,
    hint: 'wait for it and run this again, or give it longer with --max-wait 10m',
  })

// A bigint key appears in pg_locks as its two halves.
const SELECT_HOLDER = `
  SELECT a.pid, a.usename AS "user", a.application_name AS "application", host(a.client_addr) AS "address",
    round(extract(epoch FROM clock_timestamp() - a.backend_start)) AS "connectedForS"
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = ${LOCK_KEY}
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`

interface Holder {
  readonly pid: number
  readonly user: string | null
  readonly application: string | null
  readonly address: string | null
  readonly connectedForS: string | null
}

const findHolder = async (client: Queryable): Promise<string> => {
  const { rows } = await client.query<Holder>(SELECT_HOLDER)
  const holder = rows[0]
  if (holder === undefined) return 'a session that has just ended'
  const { pid, user, application, address, connectedForS } = holder
  const facts = [
    application === null || application === '' ? undefined : application,
    user === null ? undefined : `as ${user}`,
    address === null ? undefined : `from ${address}`,
    connectedForS === null ? undefined : `connected for ${connectedForS} s`,
  ].filter((fact) => fact !== undefined)
  return facts.length === 0 ? `pid ${pid}` : `pid ${pid} (${facts.join(', ')})`
}
