import type { TransactionClient } from '../transaction-client.js'
import { adapt } from './adapt.js'
import { splitAtParameters } from './parameters.js'

/** What Knex passes to the function of a transaction. */
export interface KnexTransaction {
  raw(sql: string, bindings: readonly unknown[]): PromiseLike<{ readonly rows: readonly unknown[] }>
}

/** The transaction of `knex.transaction(async (trx) => …)`, as the `db` of a save. */
export const knexTransaction = (trx: KnexTransaction): TransactionClient =>
  adapt(trx, async (text, given) => {
    const { pieces, values } = splitAtParameters(text, given)
    // Knex takes a question mark for a parameter also in a name or a string.
    const { rows } = await trx.raw(pieces.map((piece) => piece.replaceAll('?', '\\?')).join('?'), values)
    return rows
  })
