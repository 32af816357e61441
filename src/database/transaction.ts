import type { Queryable } from './connection.js'
import { isConnectionFailure } from './connection-failure.js'
import { pinTransaction, type Pins, unpinTransaction } from './pinned-settings.js'

/** Begins a transaction as ours expect it, whatever default_transaction_isolation says. */
export const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED'

/** Runs the work in a transaction: committed when it returns, rolled back when it throws. The first error wins. */
export const inTransaction = async <T>(client: Queryable, work: () => Promise<T>, begin = BEGIN): Promise<T> => {
  await client.query(begin)
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // When the connection is lost the transaction is gone, and a frozen server would block ROLLBACK too.
    // A failing ROLLBACK means a lost connection; the first error says why.
    if (!isConnectionFailure(error)) await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/**
 * Runs the work in a transaction that is always rolled back. The first error wins. Its settings are those of the role, as in
 * the sessions of the store: triggers of the application may need them.
 */
export const inRolledBackTransaction = async <T>(
  client: Queryable,
  limits: SnapshotLimits,
  work: () => Promise<T>,
): Promise<T> => {
  await client.query(BEGIN)
  let result: T
  try {
    await client.query([pinTransaction('course'), ...unpinTransaction(), ...limitStatements(limits)].join('; '))
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
 * Runs the work in one read-only snapshot. All settings are local to the transaction: they work behind a transaction
 * pooler and do not outlive it.
 */
export const inReadOnlySnapshot = <T>(
  client: Queryable,
  limits: SnapshotLimits,
  work: () => Promise<T>,
  pins: Pins = 'all',
): Promise<T> =>
  inTransaction(
    client,
    async () => {
      await client.query([pinTransaction(pins), ...limitStatements(limits)].join('; '))
      return work()
    },
    BEGIN_SNAPSHOT,
  )

// Alone: pgpool-II passes a string of several statements to one server, and would begin no transaction on the others.
const BEGIN_SNAPSHOT = 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY'

const limitStatements = ({ statementTimeoutMs, lockTimeoutMs }: SnapshotLimits): readonly string[] => [
  `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
  `SET LOCAL lock_timeout = ${lockTimeoutMs}`,
]
