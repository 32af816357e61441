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
      // The first error wins.
      if (!isConnectionFailure(error)) await client.query(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`).catch(() => undefined)
      throw error
    }
  }) as Client['query'],
})
