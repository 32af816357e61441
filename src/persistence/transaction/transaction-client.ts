import { hasMethods } from '../../check-options.js'

/**
 * A transaction that the caller has begun, and will commit or roll back. A `Client` or `PoolClient` of `pg` fits as it is; there
 * is an adapter for each common query builder.
 */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/**
 * Whether it is surely a pool (of `pg`, Neon or Vercel), which would run each statement on another connection, or wait for one that
 * the caller's own transaction holds.
 */
export const isPool = (db: object): boolean =>
  hasMethods(db, ['connect', 'query']) &&
  ['totalCount', 'idleCount', 'waitingCount'].every((count) => typeof (db as Counts)[count] === 'number') &&
  !('processID' in db || 'release' in db)

type Counts = Readonly<Record<string, unknown>>

const lastOf = new WeakMap<TransactionClient, Promise<unknown>>()

/** Runs the work after what was begun earlier on the same transaction: their savepoints must not mix. */
export const inTurn = <T>(db: TransactionClient, work: () => Promise<T>): Promise<T> => {
  const before = lastOf.get(db) ?? Promise.resolve()
  const answer = before.then(work, work)
  lastOf.set(db, answer)
  return answer
}
