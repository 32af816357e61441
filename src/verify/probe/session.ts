import type { Pool, QueryConfig, QueryResult } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { isServerError, type ServerError } from '../../database/sql-state.js'

/** A pool for the core whose connections all work in one transaction. */
export interface ProbeSession {
  readonly pool: Pool
  /** The server's errors since the last call, including those that the core handled. */
  readonly takeRefusals: () => readonly ServerError[]
}

/** Savepoint in place of a transaction of the core. */
const WORK = 'chatkeep_work'
/** Savepoint of a statement outside of one, so that its failure does not abort the whole transaction. */
const STATEMENT = 'chatkeep_statement'

/**
 * Runs the core inside the client's open transaction: transactions of the core become savepoints, and a failed statement is
 * rolled back alone. Any other transaction command is an error, so nothing of a probe can be committed.
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
    // A prepared statement would outlive the transaction on the connection of a pooler.
    const text = typeof request === 'string' ? request : request.text
    const parameters = typeof request === 'string' ? values : request.values
    const word = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? ''
    switch (word) {
      case 'BEGIN':
        isInWork = true
        return runEach([`SAVEPOINT ${WORK}`, text.replace(/^[^;]*;?/, '')])
      case 'COMMIT':
        return endWork([`RELEASE SAVEPOINT ${WORK}`])
      case 'ROLLBACK':
        return endWork([`ROLLBACK TO SAVEPOINT ${WORK}`, `RELEASE SAVEPOINT ${WORK}`])
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

  // pgpool-II passes a string of several statements to one server: the others would lack the savepoint.
  const runEach = async ([text, ...rest]: readonly [string, ...string[]]): Promise<QueryResult> => {
    const result = await run(text)
    for (const next of rest) if (next.trim() !== '') await run(next)
    return result
  }

  const endWork = async (statements: readonly [string, ...string[]]): Promise<QueryResult> => {
    const result = await runEach(statements)
    isInWork = false
    return result
  }

  const borrowed = {
    query,
    // For the core, this is a connection outside of a transaction.
    getTransactionStatus: () => 'I',
    on: () => undefined,
    off: () => undefined,
    release: () => undefined,
  }
  return {
    // The core calls only connect() of a pool, and only these five methods of a connection.
    pool: { connect: () => Promise.resolve(borrowed) } as unknown as Pool,
    takeRefusals: () => {
      const taken = refusals
      refusals = []
      return taken
    },
  }
}
