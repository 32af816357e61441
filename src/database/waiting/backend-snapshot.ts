import { OLDER_TRANSACTIONS, PREPARED, type Blockage, type Blocker } from '../blockers.js'

/** What a second connection sees of the watched session. */
export interface BackendSnapshot {
  readonly blockers: readonly Blocker[]
  /** The table whose lock it waits for; null while it waits for transactions to end. */
  readonly relation: string | null
  /** Phase of an index build; null without one. */
  readonly phase: string | null
  readonly done: number | null
  readonly total: number | null
}

/** Who blocks the watched session; undefined when nobody does. */
export const blockageOf = ({ blockers, relation }: BackendSnapshot): Blockage | undefined =>
  blockers.length === 0 ? undefined : { what: relation ?? OLDER_TRANSACTIONS, blockers }

/** Parameters: pid of the watched session, whether to include query text. */
export const SELECT_BACKEND = `
  SELECT ARRAY(
      SELECT json_build_object('pid', b.pid, 'user', coalesce(a.usename, p.owner),
        'application', coalesce(nullif(a.application_name, ''), a.backend_type, '${PREPARED}' || quote_literal(p.gid)),
        'state', a.state, 'since', coalesce(a.xact_start, p.prepared),
        'transactionS', round(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))),
        'query', CASE WHEN $2 THEN a.query END)
      FROM (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids($1)) AS pid) AS b
      LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
      LEFT JOIN (
        SELECT x.gid, x.owner, x.prepared FROM pg_catalog.pg_prepared_xacts AS x
        WHERE x.database = current_database()
        ORDER BY EXISTS (
          SELECT FROM pg_catalog.pg_locks AS w
          JOIN pg_catalog.pg_locks AS h ON h.pid IS NULL AND h.granted AND h.relation = w.relation
          JOIN pg_catalog.pg_locks AS t ON t.virtualtransaction = h.virtualtransaction AND t.transactionid = x.transaction
          WHERE w.pid = $1 AND NOT w.granted
        ) DESC, x.prepared
        LIMIT 1
      ) AS p ON b.pid = 0
      WHERE b.pid <> pg_backend_pid()
      ORDER BY a.xact_start NULLS LAST
    ) AS "blockers",
    (SELECT CASE WHEN n.nspname <> 'public' THEN quote_ident(n.nspname) || '.' ELSE '' END || quote_ident(c.relname)
     FROM pg_catalog.pg_locks AS l
     JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE l.pid = $1 AND NOT l.granted AND l.relation IS NOT NULL
     LIMIT 1) AS "relation",
    p.phase AS "phase",
    CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END::float AS "done",
    CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END::float AS "total"
  FROM (VALUES (1)) AS one
  LEFT JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid = $1`
