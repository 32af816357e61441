import { runInApplicationPath } from './running/application-path.js'
import { withShortLocks, type LockWaitOptions } from '../database/waiting/lock-attempts.js'
import type { OwnClient } from './own/own-client.js'
import { readOwnState } from './own/own-state.js'
import { ownStatements } from './own/own-statements.js'

export interface PrepareOptions extends LockWaitOptions {
  /** The application's schema. */
  readonly schema: string
}

/** Runs the planned statements that create or repair chatkeep's own schema, in one transaction. */
export const prepareOwnSchema = async (
  client: OwnClient,
  statements: readonly string[],
  options: PrepareOptions,
): Promise<void> => {
  if (statements.length === 0) return
  await withShortLocks(client, options, async () => {
    await runInApplicationPath(client, statements)
    // Default privileges may have opened what was just created.
    await runInApplicationPath(client, ownStatements(await readOwnState(client, options.schema)))
  })
}
