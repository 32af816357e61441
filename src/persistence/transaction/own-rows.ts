import type { Client, PoolClient } from 'pg'
import { isObject } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { withOwnTypes } from '../../database/session/own-types.js'
import { isConnectionFailure } from '../../database/connection-failure.js'
import { isServerError } from '../../database/sql-state.js'
import { InvalidCall, NotInTransaction } from '../errors.js'
import type { TransactionClient } from './transaction-client.js'

/**
 * The transaction with rows and errors as the store's statements need them. A client of `pg` is given our type parsers with each
 * query. Those of any other are its own affair: `checkExamples` tells whether they change what we read.
 */
export const withOwnRows = (db: TransactionClient): Queryable => withOwnErrors(isPgClient(db) ? withOwnTypes(db) : db)

// What comes of neither the server nor the connection is of the caller's library, which has ended the transaction, or its pool.
const withOwnErrors = (db: TransactionClient): Queryable => ({
  // Only this overload is used.
  query: (async (text: string, values?: unknown[]) => {
    const answer: unknown = await db.query(text, values).catch((error: unknown) => {
      throw isServerError(error) || isConnectionFailure(error) ? error : new NotInTransaction(lastLine(error), error)
    })
    if (!isObject(answer) || !Array.isArray(answer.rows))
      throw new InvalidCall(
        'invalid_option',
        'db is not a client of pg, or one of the adapters: its query gave no rows',
      )
    return answer
  }) as Client['query'],
})

/** Prisma begins with the call. */
const lastLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trimEnd().split('\n').at(-1) ?? ''

// Not `instanceof`: the caller's may be another copy of pg.
const isPgClient = (db: object): db is PoolClient =>
  'getTypeParser' in db && 'connection' in db && 'escapeLiteral' in db && 'query' in db

/** A value of each type that the statements of a save return, and what JavaScript may hold of it. */
const EXAMPLES: Readonly<Record<string, (value: unknown) => boolean>> = {
  boolean: (value) => value === true,
  integer: (value) => value === 1,
  // Ids are read from text, too.
  bigint: (value) => value === '1' || value === 1 || value === 1n,
  text: (value) => value === 'text',
}

/** SQL for columns of the first statement: there is no look of its own in every transaction. */
export const EXAMPLE_COLUMNS = `true AS "boolean", 1 AS "integer", 1::pg_catalog.int8 AS "bigint", 'text'::pg_catalog.text AS "text"`

/** @throws InvalidCall `invalid_option`, before anything is saved: the caller's parsers change what we read, or there is no row */
export const checkExamples = (row: unknown): void => {
  const changed = Object.keys(EXAMPLES).filter((type) => !isObject(row) || EXAMPLES[type]?.(row[type]) !== true)
  if (changed.length === 0) return
  throw new InvalidCall('invalid_option', `the transaction's rows arrive changed: ${changed.join(', ')}`, {
    hint: 'save in a transaction whose client has no type parsers, and no other function that changes rows, for these types',
  })
}
