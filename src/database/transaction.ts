import type { Queryable } from './connection.js'

/** Runs the work in a transaction: committed when it returns, rolled back when it throws. The first error wins. */
export const inTransaction = async <T>(client: Queryable, work: () => Promise<T>, begin = 'BEGIN'): Promise<T> => {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // When even ROLLBACK fails the connection is gone, and with it the transaction; the first error says why.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
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
    async () => {
      await client.query(`SET LOCAL statement_timeout = ${limits.statementTimeoutMs}`)
      await client.query(`SET LOCAL lock_timeout = ${limits.lockTimeoutMs}`)
      await client.query(`SET LOCAL TIME ZONE 'UTC'`)
      return work()
    },
    'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
  )
