import { PREPARED } from '../blockers.js'

/**
 * A `Blocker` as JSON: of a session in `a` (pg_stat_activity), or of a prepared transaction in `p`, which has none.
 * @param pid SQL of its process id, 0 for a prepared transaction
 * @param query SQL of the text of its query, which may contain personal data
 */
export const blockerJson = (pid: string, query = 'NULL'): string => `jsonb_build_object(
    'pid', ${pid}, 'user', coalesce(a.usename, p.owner),
    'application', coalesce(nullif(a.application_name, ''), a.backend_type, '${PREPARED}' || quote_literal(p.gid)),
    'state', a.state, 'since', coalesce(a.xact_start, p.prepared),
    'transactionS', round(extract(epoch FROM statement_timestamp() - coalesce(a.xact_start, p.prepared))),
    'query', ${query})`

/**
 * The prepared transaction that most likely blocks: pg_blocking_pids shows nothing of it but 0.
 * @param isMeant SQL of whether its lock `h` is in the way
 */
export const preparedBlocking = (isMeant: string): string => `(
    SELECT x.gid, x.owner, x.prepared FROM pg_catalog.pg_prepared_xacts AS x
    WHERE x.database = current_database()
    ORDER BY EXISTS (
      SELECT FROM pg_catalog.pg_locks AS h
      JOIN pg_catalog.pg_locks AS t ON t.virtualtransaction = h.virtualtransaction AND t.transactionid = x.transaction
      WHERE h.pid IS NULL AND h.granted AND ${isMeant}
    ) DESC, x.prepared
    LIMIT 1
  )`

/** Whether the lock `h` is on what a session waits for. @param pid SQL of its process id */
export const isAwaitedBy = (pid: string): string =>
  `h.relation IN (SELECT w.relation FROM pg_catalog.pg_locks AS w WHERE w.pid = ${pid} AND NOT w.granted)`

/** The name of the table `c` (pg_class) in the schema `n` as messages show it: without "public", whatever the search path is. */
export const SHOWN_TABLE = `CASE WHEN n.nspname <> 'public' THEN quote_ident(n.nspname) || '.' ELSE '' END || quote_ident(c.relname)`
