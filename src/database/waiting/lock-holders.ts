import type { QueryResult } from 'pg'
import { UNKNOWN_BLOCKAGE, type Blockage, type Blocker } from '../blockers.js'
import type { Queryable } from '../connection.js'
import { blockerJson, SHOWN_TABLE } from './blocker-sql.js'

/** What the locks are in the way of. */
type Purpose = 'a change of the table' | 'writes'

const IN_THE_WAY: Readonly<Record<Purpose, string>> = {
  'a change of the table': 'true',
  writes: `l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock')`,
}

// Where a catalog is locked, this query waits, too.
const LIMIT = `SELECT pg_catalog.set_config('lock_timeout', '500', true)`

// Never the query text, which may contain personal data. A prepared transaction holds its locks without a session.
const selectLockHolders = (purpose: Purpose): string => `
  SELECT ${blockerJson('coalesce(l.pid, 0)')} AS "blocker", array_agg(DISTINCT ${SHOWN_TABLE}) AS "tables"
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_locks AS t ON l.pid IS NULL AND t.virtualtransaction = l.virtualtransaction AND t.locktype = 'transactionid'
  LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = t.transactionid
  WHERE l.locktype = 'relation' AND l.granted
    AND (l.mode = 'AccessExclusiveLock' OR c.relname IN ('ChatMessage', 'Client') AND ${IN_THE_WAY[purpose]})
    AND l.database IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    AND l.pid IS DISTINCT FROM pg_backend_pid() AND coalesce(a.pid::text, p.gid) IS NOT NULL
  GROUP BY 1
  ORDER BY min(coalesce(a.xact_start, p.prepared))`

/**
 * Sessions that hold what a statement of ours may have waited for. Used where nobody looked while it waited: the lock time-out
 * was too short, or there is no second connection.
 */
export const findLockHolders = async (client: Queryable, purpose: Purpose): Promise<Blockage> => {
  const rows = await readLockHolders(client, purpose)
  const tables = [...new Set(rows.flatMap((row) => row.tables))]
  return {
    what: tables.length === 0 ? UNKNOWN_BLOCKAGE.what : tables.join(' or '),
    blockers: rows.map(({ blocker }) => blocker),
  }
}

interface Holder {
  readonly blocker: Blocker
  readonly tables: readonly string[]
}

const readLockHolders = async (client: Queryable, purpose: Purpose): Promise<readonly Holder[]> => {
  try {
    // node-postgres returns a list of results for several statements, which its types do not declare.
    const results = (await client.query(
      `${LIMIT};${selectLockHolders(purpose)}`,
    )) as unknown as readonly QueryResult<Holder>[]
    return results[1]?.rows ?? []
  } catch {
    // Somebody locked the catalog. The error that is being explained matters more.
    return []
  }
}
