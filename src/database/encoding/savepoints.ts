import type { Client } from 'pg'
import { isConnectionFailure } from '../connection-failure.js'
import type { Queryable } from '../connection.js'

const SAVEPOINT = 'chatkeep_query'

/** A transaction's client that outlives a refused query: each is in a savepoint of its own. */
export const withSavepoints = (client: Queryable): Queryable => ({
  // Only this overload is used.
  query: (async (text: string, values?: unknown[]) => {
    await client.query(`SAVEPOINT ${SAVEPOINT}`)
    try {
      const result = await client.query(text, values)
      await client.query(`RELEASE SAVEPOINT ${SAVEPOINT}`)
      return result
    } catch (error) {
      if (!isConnectionFailure(error)) await leave(client)
      throw error
    }
  }) as Client['query'],
})

/** Gives up what was done since the savepoint, and the savepoint. The first error wins. */
const leave = async (client: Queryable): Promise<void> => {
  try {
    await client.query(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`)
    await client.query(`RELEASE SAVEPOINT ${SAVEPOINT}`)
  } catch {
    // The connection is lost, or the transaction is over: the caller's next statement says so.
  }
}
