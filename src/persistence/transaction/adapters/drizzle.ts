import { checkValue, FUNCTION } from '../../../check-options.js'
import type { TransactionClient } from '../transaction-client.js'
import { adapt } from './adapt.js'
import { splitAtParameters } from './parameters.js'

/** What Drizzle passes to the function of a transaction; `Query` is what its `sql` returns. */
export interface DrizzleTransaction<Query> {
  execute(query: Query): PromiseLike<unknown>
}

/** The `sql` of `drizzle-orm`. */
export type DrizzleSql<Query> = (strings: TemplateStringsArray, ...values: unknown[]) => Query

/** The transaction of `db.transaction(async (tx) => …)`, as the `db` of a save; `sql` is that of `drizzle-orm`. */
export const drizzleTransaction = <Query>(tx: DrizzleTransaction<Query>, sql: DrizzleSql<Query>): TransactionClient => {
  checkValue('sql of drizzleTransaction', sql, FUNCTION)
  return adapt(tx, { name: 'tx of drizzleTransaction', method: 'execute' }, async (text, given) => {
    const { pieces, values } = splitAtParameters(text, given)
    try {
      const result = await tx.execute(sql(Object.assign([...pieces], { raw: pieces }), ...values))
      return rowsOf(result)
    } catch (error) {
      // Drizzle's own has the statement with all of its values; its cause is the driver's.
      throw error instanceof Error && error.cause instanceof Error ? error.cause : error
    }
  })
}

// The driver pg returns an object with rows, others return the rows.
const rowsOf = (result: unknown): readonly unknown[] =>
  Array.isArray(result) ? (result as unknown[]) : (result as { readonly rows: readonly unknown[] }).rows
