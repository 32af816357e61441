import { OLDER_TRANSACTIONS, type Blockage, type Blocker } from '../blockers.js'
import { blockerJson, isAwaitedBy, preparedBlocking, SHOWN_TABLE } from './blocker-sql.js'

/** What a second connection sees of the watched session. */
export interface BackendSnapshot {
  readonly blockers: readonly Blocker[]
  /** The table whose lock it waits for; null while it waits for transactions to end. */
  readonly relation: string | null
  /** Phase of an index build; null without one. */
  readonly phase: string | null
  readonly done: number | null
  readonly total: number | null
  /** While it waits for a synchronous standby, the setting synchronous_standby_names; otherwise null. */
  readonly standbyNames: string | null
  /** Names of the standbys that are attached; empty while it waits for none. */
  readonly attached: readonly string[]
}

/** Who blocks the watched session; undefined when nobody does. */
export const blockageOf = ({ blockers, relation }: BackendSnapshot): Blockage | undefined =>
  blockers.length === 0 ? undefined : { what: relation ?? OLDER_TRANSACTIONS, blockers }

/** Parameters: pid of the watched session, whether to include query text. */
export const SELECT_BACKEND = `
  SELECT ARRAY(
      SELECT ${blockerJson('b.pid', 'CASE WHEN $2 THEN a.query END')}
      FROM (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids($1)) AS pid) AS b
      LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
      LEFT JOIN ${preparedBlocking(isAwaitedBy('$1'))} AS p ON b.pid = 0
      WHERE b.pid <> pg_backend_pid()
      ORDER BY a.xact_start NULLS LAST
    ) AS "blockers",
    (SELECT ${SHOWN_TABLE}
     FROM pg_catalog.pg_locks AS l
     JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE l.pid = $1 AND NOT l.granted AND l.relation IS NOT NULL
     LIMIT 1) AS "relation",
    p.phase AS "phase",
    CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END::float AS "done",
    CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END::float AS "total",
    s.names AS "standbyNames",
    ARRAY(SELECT r.application_name FROM pg_catalog.pg_stat_replication AS r WHERE s.names IS NOT NULL ORDER BY 1) AS "attached"
  FROM (VALUES (1)) AS one
  LEFT JOIN (
    SELECT current_setting('synchronous_standby_names') AS names
    FROM pg_catalog.pg_stat_activity AS w WHERE w.pid = $1 AND w.wait_event = 'SyncRep'
  ) AS s ON true
  LEFT JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid = $1`
