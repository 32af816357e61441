import { checkValue, hasMethods, type Rule } from '../../../check-options.js'
import type { TransactionClient } from '../transaction-client.js'

const adapters = new WeakMap<object, TransactionClient>()

/** Runs one statement in the transaction of a library. */
type Run = (text: string, values: readonly unknown[]) => Promise<readonly unknown[]>

/** How the caller hands over a transaction. */
interface Argument {
  /** Such as `tx of prismaTransaction`. */
  readonly name: string
  /** The method of a transaction that is used. */
  readonly method: string
}

/**
 * The adapter of a transaction, always the same for one, so that saves in it take turns.
 * @throws InvalidCall `invalid_option` for what is no transaction of the library
 */
export const adapt = (transaction: object, { name, method }: Argument, run: Run): TransactionClient => {
  checkValue(name, transaction, withMethod(method))
  const known = adapters.get(transaction)
  if (known !== undefined) return known
  const adapter: TransactionClient = { query: async (text, values = []) => ({ rows: await run(text, values) }) }
  adapters.set(transaction, adapter)
  return adapter
}

// The transaction of Knex is a function.
const withMethod = (method: string): Rule => ({
  must: `a transaction with the method ${method}`,
  fits: (value) => hasMethods(value, [method]),
})
