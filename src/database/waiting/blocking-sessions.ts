import type { Blocker } from '../blockers.js'
import type { Queryable } from '../connection.js'
import { blockerJson, isAwaitedBy, preparedBlocking } from './blocker-sql.js'

/** A session that waits for a lock. */
export interface Waiter {
  readonly pid: number
  readonly user: string | null
  readonly application: string | null
  /** In seconds. */
  readonly waitedS: number | null
}

/** A session that others wait for, or that holds tables of the chat, or rows of them for longer than a moment; it waits for no lock itself. */
export interface BlockingSession {
  readonly blocker: Blocker
  /** Sessions of this database that wait for it, directly or behind others. */
  readonly waiting: number
  /** Those of them that have waited longest. */
  readonly waiters: readonly Waiter[]
  /** Tables of the chat that it holds against writes. */
  readonly tables: readonly string[]
  /** Whether it holds one of them against reads as well. */
  readonly stopsReads: boolean
  /** Tables of the chat of which it may have locked rows. */
  readonly rowsOf: readonly string[]
}

/** A transaction of the application itself ends sooner. */
const A_MOMENT_MS = 1_000

const TABLE_LOCKS = `('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`

const MOST_BLOCKERS = 5
const MOST_WAITERS = 3
/** pg_blocking_pids stops the lock manager for a moment; it is not called for each of a thousand sessions. */
const MOST_LOOKED_AT = 100

/**
 * Reads who blocks whom in this database, without any lock on a table of the application. Sessions that hold
 * tables of the chat come first, then those that block most, then those that may hold rows.
 * @param ignored what the names of sessions begin with that are not meant, such as the caller's own
 */
export const readBlockingSessions = async (
  client: Queryable,
  schema: string,
  ignored: string,
): Promise<readonly BlockingSession[]> => {
  const { rows } = await client.query<BlockingSession>(SELECT_BLOCKING, [schema, ignored])
  return rows
}

// pg_locks shows every role who waits; pg_stat_activity shows only some what the sessions do.
const SELECT_BLOCKING = `
  WITH RECURSIVE sessions AS MATERIALIZED (
    SELECT *, starts_with(application_name, $2) OR pid = pg_backend_pid() AS "isIgnored"
    FROM pg_catalog.pg_stat_activity
  ), locks AS MATERIALIZED (
    SELECT * FROM pg_catalog.pg_locks
  ), waiting AS MATERIALIZED (
    SELECT l.pid, extract(epoch FROM clock_timestamp() - min(l.waitstart)) AS "waitedS"
    FROM locks AS l
    JOIN sessions AS s ON s.pid = l.pid AND s.datname = current_database() AND NOT s."isIgnored"
    WHERE NOT l.granted
    GROUP BY l.pid
    ORDER BY 2 DESC NULLS LAST
    LIMIT ${MOST_LOOKED_AT}
  ), waits AS MATERIALIZED (
    SELECT w.pid, b.pid AS "blocker" FROM waiting AS w CROSS JOIN unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b (pid)
  ), behind AS (
    SELECT pid, "blocker" FROM waits
    UNION
    SELECT b.pid, w."blocker" FROM behind AS b JOIN waits AS w ON w.pid = b."blocker"
  ), roots AS (
    SELECT b."blocker" AS "pid", count(*)::int4 AS "waiting", min(b.pid) AS "one",
      (array_agg(jsonb_build_object('pid', b.pid, 'user', s.usename, 'application', nullif(s.application_name, ''),
        'waitedS', round(w."waitedS")) ORDER BY w."waitedS" DESC NULLS LAST, b.pid))[:${MOST_WAITERS}] AS "waiters"
    FROM behind AS b
    JOIN waiting AS w ON w.pid = b.pid
    LEFT JOIN sessions AS s ON s.pid = b.pid
    WHERE NOT EXISTS (SELECT FROM locks AS l WHERE l.pid = b."blocker" AND NOT l.granted)
      AND NOT EXISTS (SELECT FROM sessions AS o WHERE o.pid = b."blocker" AND o."isIgnored")
    GROUP BY 1
  ), held AS (
    SELECT coalesce(l.pid, 0) AS "pid",
      array_agg(DISTINCT c.relname::text) FILTER (WHERE l.mode IN ${TABLE_LOCKS}) AS "tables",
      array_agg(DISTINCT c.relname::text) FILTER (WHERE l.mode NOT IN ${TABLE_LOCKS}) AS "rowsOf",
      bool_or(l.mode = 'AccessExclusiveLock') AS "stopsReads", min(l.virtualtransaction) AS "holder"
    FROM locks AS l
    JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.locktype = 'relation' AND l.granted AND n.nspname = $1 AND c.relname IN ('ChatMessage', 'Client')
      AND (l.mode IN ${TABLE_LOCKS} OR l.mode IN ('RowShareLock', 'RowExclusiveLock'))
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    GROUP BY 1
  )
  SELECT ${blockerJson('r.pid')} AS "blocker", r.waiting, r.waiters, r.tables, r."stopsReads", r."rowsOf"
  FROM (
    SELECT coalesce(r.pid, h.pid) AS "pid", coalesce(r.waiting, 0) AS "waiting", coalesce(r.waiters, '{}') AS "waiters",
      coalesce(h.tables, '{}') AS "tables", coalesce(h."rowsOf", '{}') AS "rowsOf", coalesce(h."stopsReads", false) AS "stopsReads", r.one, h.holder
    FROM roots AS r FULL JOIN held AS h ON h.pid = r.pid
  ) AS r
  LEFT JOIN sessions AS a ON a.pid = r.pid
  LEFT JOIN LATERAL ${preparedBlocking(`(h.virtualtransaction = r.holder OR ${isAwaitedBy('r.one')})`)} AS p ON r.pid = 0
  WHERE (r.pid = 0 OR a.pid IS NOT NULL AND (r.waiting > 0 OR r.tables <> '{}') OR a.xact_start < clock_timestamp() - interval '${A_MOMENT_MS} ms')
    AND NOT EXISTS (SELECT FROM locks AS l WHERE l.pid = r.pid AND NOT l.granted)
  ORDER BY r.tables = '{}', r.waiting DESC, a.xact_start, r.pid
  LIMIT ${MOST_BLOCKERS}`
