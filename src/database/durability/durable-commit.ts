/**
 * SQL that is true, and makes the commit of its transaction durable, because an answer promises that it is. The server's warning
 * that the commit's wait for a synchronous standby was ended (`commit-notice.ts`) is not hidden. Local to the transaction, it
 * holds in an application's pool and behind a transaction pooler. Values other than off are somebody's choice of what a
 * commit waits for.
 */
export const DURABLE_COMMIT = `
  CASE WHEN pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'
    THEN pg_catalog.set_config('synchronous_commit', 'on', true) END IS DISTINCT FROM ''
  AND CASE WHEN pg_catalog.current_setting('client_min_messages') OPERATOR(pg_catalog.=) 'error'
    THEN pg_catalog.set_config('client_min_messages', 'warning', true) END IS DISTINCT FROM ''`

/** SQL that is true, and gives the commit of its transaction WAL to wait for. The message is not decoded. */
export const emitMessage = (name: string): string =>
  `pg_catalog.pg_logical_emit_message(true, 'chatkeep', '${name}') IS NOT NULL`
