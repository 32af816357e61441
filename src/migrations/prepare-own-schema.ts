import { withApplicationPath } from './running/application-path.js'
import { withShortLocks, type LockWaitOptions } from './running/short-lock.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { OwnClient } from './own/own-client.js'
import { ownConflicts } from './own/own-conflicts.js'
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

/**
 * What others own or have built under chatkeep's names is never adopted.
 * @throws OperatorError `own_objects_conflict` (exit 5)
 */
export const refuseOwnConflicts = (own: OwnState): void => {
  const conflicts = ownConflicts(own)
  if (conflicts.length === 0) return
  throw new OperatorError(
    'own_objects_conflict',
    `schema ${JSON.stringify(own.names.schema)} is for chatkeep's own tables, but not everything there is; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details: conflicts.map(({ object, expected, actual }) => `${object}: must be ${expected}, but is ${actual}`),
      hint: `after checking who created these objects and why: ${conflicts.map(({ fix }) => fix).join('; ')}`,
    },
  )
}
