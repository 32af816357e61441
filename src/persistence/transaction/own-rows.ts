import type { Client, PoolClient } from 'pg'
import { isObject } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { withOwnTypes } from '../../database/pools/own-types.js'
import { InvalidCall } from '../../invalid-call.js'
import type { TransactionClient } from './transaction-client.js'

/**
 * The transaction with rows as the store's statements need them, whatever type parsers the caller has set. A client of `pg` is
 * given ours with each query. Of any other, whose parsers are its own affair, a look shows whether they change what we read.
 * @throws InvalidCall `invalid_option`, before anything is saved: they do
 */
export const withOwnRows = async (db: TransactionClient): Promise<Queryable> => {
  if (isPgClient(db)) return withOwnTypes(db)
  if (!checked.has(db)) {
    checkRows(await db.query(SELECT_EXAMPLES))
    checked.add(db)
  }
  // Only this overload is used.
  return { query: ((text: string, values?: unknown[]) => db.query(text, values)) as Client['query'] }
}

// Not `instanceof`: the caller's may be another copy of pg.
const isPgClient = (db: object): db is PoolClient =>
  'getTypeParser' in db && 'connection' in db && 'escapeLiteral' in db && 'query' in db

const checked = new WeakSet<TransactionClient>()

/** A value of each type that the statements of a save return, and what JavaScript may hold of it. */
const EXAMPLES: Readonly<Record<string, (value: unknown) => boolean>> = {
  boolean: (value) => value === true,
  integer: (value) => value === 1,
  // Ids are read from text, too.
  bigint: (value) => value === '1' || value === 1 || value === 1n,
  text: (value) => value === 'text',
}

const SELECT_EXAMPLES = `SELECT true AS "boolean", 1 AS "integer", 1::bigint AS "bigint", 'text' AS "text"`

const checkRows = ({ rows }: { readonly rows: unknown }): void => {
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined
  const changed = Object.keys(EXAMPLES).filter((type) => !isObject(row) || EXAMPLES[type]?.(row[type]) !== true)
  if (changed.length === 0) return
  throw new InvalidCall('invalid_option', `the transaction's rows arrive changed: ${changed.join(', ')}`, {
    hint: 'save in a transaction whose client has no type parsers, and no other function that changes rows, for these types',
  })
}
