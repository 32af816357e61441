import { withApplicationPath } from './running/application-path.js'
import { withShortLocks, type LockWaitOptions } from './running/short-lock.js'
import type { OwnClient } from './own/own-client.js'
import { readOwnState, type OwnState } from './own/own-state.js'
import { ownStatements } from './own/own-statements.js'

export interface PrepareOptions extends LockWaitOptions {
  /** The application's schema. */
  readonly schema: string
}

/**
 * Creates or repairs chatkeep's own schema in one transaction.
 * @param others further statements on its tables, such as the first row of the history
 */
export const prepareOwnSchema = async (
  client: OwnClient,
  own: OwnState,
  options: PrepareOptions,
  others: readonly string[] = [],
): Promise<void> => {
  if (ownStatements(own).length + others.length === 0) return
  await withShortLocks(client, options, async () => {
    await runAll(client, ownStatements(own))
    // Default privileges may have opened what was just created.
    await runAll(client, ownStatements(await readOwnState(client, options.schema)))
    await runAll(client, others)
  })
}

const runAll = (client: OwnClient, statements: readonly string[]): Promise<void> =>
  withApplicationPath(client, 'transaction', async () => {
    for (const statement of statements) await client.query(statement)
  })
