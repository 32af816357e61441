import type { TransactionClient } from '../transaction-client.js'

const adapters = new WeakMap<object, TransactionClient>()

/** Runs one statement in the transaction of a library. */
type Run = (text: string, values: readonly unknown[]) => Promise<readonly unknown[]>

/** The adapter of a transaction, always the same for one, so that saves in it take turns. */
export const adapt = (transaction: object, run: Run): TransactionClient => {
  const known = adapters.get(transaction)
  if (known !== undefined) return known
  const adapter: TransactionClient = { query: async (text, values = []) => ({ rows: await run(text, values) }) }
  adapters.set(transaction, adapter)
  return adapter
}
