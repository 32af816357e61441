import type { Queryable } from './connection.js'
import { isConnectionFailure } from './connection-failure.js'

/** Runs the work in a transaction: committed when it returns, rolled back when it throws. The first error wins. */
export const inTransaction = async <T>(client: Queryable, work: () => Promise<T>, begin = 'BEGIN'): Promise<T> => {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // Without a connection there is no transaction any more, and a frozen server would keep us waiting once again.
    // When ROLLBACK fails, the connection is gone as well; the first error says why.
    if (!isConnectionFailure(error)) await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Runs the work in a transaction that is rolled back whatever happens, so that nothing it writes stays. The first error wins. */
export const inRolledBackTransaction = async <T>(
  client: Queryable,
  limits: SnapshotLimits,
  work: () => Promise<T>,
): Promise<T> => {
  await client.query(
    [
      'BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED',
      `SET LOCAL statement_timeout = ${limits.statementTimeoutMs}`,
      `SET LOCAL lock_timeout = ${limits.lockTimeoutMs}`,
      `SET LOCAL TIME ZONE 'UTC'`,
    ].join('; '),
  )
  let result: T
  try {
    result = await work()
  } catch (error) {
    if (!isConnectionFailure(error)) await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
  await client.query('ROLLBACK')
  return result
}

export interface SnapshotLimits {
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
}

/**
 * Runs the work in one snapshot that the server keeps read-only. Everything is set inside the transaction,
 * so that it holds behind a transaction pooler and leaves nothing behind there.
 */
export const inReadOnlySnapshot = <T>(client: Queryable, limits: SnapshotLimits, work: () => Promise<T>): Promise<T> =>
  inTransaction(
    client,
    work,
    // One round trip: the server may be far away.
    [
      'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
      `SET LOCAL statement_timeout = ${limits.statementTimeoutMs}`,
      `SET LOCAL lock_timeout = ${limits.lockTimeoutMs}`,
      `SET LOCAL TIME ZONE 'UTC'`,
    ].join('; '),
  )
