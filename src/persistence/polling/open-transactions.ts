import { quoted } from '../../database/identifier.js'

/** A transaction of another session, as every role may see it. */
export interface OpenTransaction {
  /** Its virtual transaction id. */
  readonly id: string
  /** Whether it holds a lock on the table of messages that one needs to write to it. */
  readonly writes: boolean
  /** It was prepared (PREPARE TRANSACTION), wrote to the table, and has neither been committed nor rolled back. */
  readonly isPrepared: boolean
}

/**
 * SQL for the transactions that are open, as a text for `parseOpen`. `pg_stat_activity` hides the transactions of other roles,
 * and a transaction has an xid only once it has written; the lock on its own virtual id it holds from its beginning to its
 * end, and longer than its rows are invisible. A prepared one has none, but can only be committed: it matters if it wrote here.
 * Transactions of other databases count, too: that only keeps more in a cursor.
 */
export const openSql = (message: string): string => `(
    SELECT string_agg(l.virtualtransaction || CASE WHEN l.pid IS NULL THEN 'p' WHEN l.locktype = 'relation' THEN 'w' ELSE '' END, ' ')
    FROM pg_catalog.pg_locks AS l
    WHERE l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND (
        (l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock')
        OR (l.locktype = 'relation' AND l.relation = ${quoted(message)}::regclass
          AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))))`

export const parseOpen = (text: string | null): readonly OpenTransaction[] => {
  const locks = (text ?? '').split(' ').filter((lock) => lock !== '')
  const ids = new Set(locks.map((lock) => lock.replace(/[pw]$/, '')))
  return Array.from(ids, (id) => ({
    id,
    writes: locks.includes(`${id}w`) || locks.includes(`${id}p`),
    isPrepared: locks.includes(`${id}p`),
  }))
}
