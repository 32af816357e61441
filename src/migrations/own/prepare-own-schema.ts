import { inTransaction } from '../../database/transaction.js'
import { ExitCode, OperatorError } from '../../errors.js'
import type { OwnClient } from './own-client.js'
import { ownConflicts } from './own-conflicts.js'
import type { OwnState } from './own-state.js'
import { ownStatements } from './own-statements.js'

/**
 * Creates or repairs chatkeep's own schema in one transaction.
 * @param others further statements on its tables, such as the first row of the history
 */
export const prepareOwnSchema = async (
  client: OwnClient,
  own: OwnState,
  others: readonly string[] = [],
): Promise<void> => {
  const statements = [...ownStatements(own), ...others]
  if (statements.length === 0) return
  await inTransaction(client, async () => {
    for (const statement of statements) await client.query(statement)
  })
}

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
