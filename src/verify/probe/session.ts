import type { Pool, QueryConfig, QueryResult } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { isServerError, type ServerError } from '../../database/sql-state.js'

/** One transaction that the core takes for a pool of connections. */
export interface ProbeSession {
  readonly pool: Pool
  /** The server's refusals since the last call, also those that the core made something of, in their order. */
  readonly takeRefusals: () => readonly ServerError[]
}

/** Of the core's own transactions inside ours. */
const WORK = 'chatkeep_work'
/** Of a statement outside of them: one that is refused must not end the whole. */
const STATEMENT = 'chatkeep_statement'

/**
 * Lets the core run inside the transaction that is open on the client: its transactions become savepoints, and a refused
 * statement is undone alone. Whatever else begins or ends a transaction is refused, so that nothing of a probe can be committed.
 */
export const createProbeSession = (client: Queryable, signal: AbortSignal): ProbeSession => {
  let refusals: ServerError[] = []
  let isInWork = false

  const run = async (text: string, values?: unknown[]): Promise<QueryResult> => {
    signal.throwIfAborted()
    try {
      const result = await client.query(text, values)
      if (!isInWork) await client.query(`RELEASE SAVEPOINT ${STATEMENT}`)
      return result
    } catch (error) {
      if (isServerError(error)) {
        refusals.push(error)
        if (!isInWork) await client.query(`ROLLBACK TO SAVEPOINT ${STATEMENT}`)
      }
      throw error
    }
  }

  const query = async (request: string | QueryConfig, values?: unknown[]): Promise<QueryResult> => {
    // A name would outlive the transaction on whatever connection a pooler gave us.
    const text = typeof request === 'string' ? request : request.text
    const parameters = typeof request === 'string' ? values : request.values
    const word = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? ''
    switch (word) {
      case 'BEGIN':
        isInWork = true
        return run(text.replace(/^\s*BEGIN/i, `SAVEPOINT ${WORK}`))
      case 'COMMIT':
        return endWork(`RELEASE SAVEPOINT ${WORK}`)
      case 'ROLLBACK':
        return endWork(`ROLLBACK TO SAVEPOINT ${WORK}; RELEASE SAVEPOINT ${WORK}`)
      case 'START':
      case 'END':
      case 'ABORT':
      case 'PREPARE':
      case 'SAVEPOINT':
      case 'RELEASE':
        throw new Error(`a probe cannot run ${text}`)
    }
    if (!isInWork) await client.query(`SAVEPOINT ${STATEMENT}`)
    return run(text, parameters)
  }

  const endWork = async (text: string): Promise<QueryResult> => {
    const result = await run(text)
    isInWork = false
    return result
  }

  const borrowed = { query, on: () => undefined, off: () => undefined, release: () => undefined }
  return {
    // Of a pool the core calls nothing but connect(), and of what it gives nothing but these four.
    pool: { connect: () => Promise.resolve(borrowed) } as unknown as Pool,
    takeRefusals: () => {
      const taken = refusals
      refusals = []
      return taken
    },
  }
}
