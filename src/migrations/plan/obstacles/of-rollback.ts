import { ExitCode, OperatorError } from '../../../errors.js'
import type { RollbackScript } from '../../ledger/migration-files.js'
import type { MigrationState } from '../../ledger/migration-state.js'
import type { RollbackRange } from '../../ledger/rollback-range.js'
import type { OwnClient } from '../../own/own-client.js'
import { readColumnsInUse } from '../columns-in-use.js'
import type { Obstacle } from '../obstacle.js'
import { readUnidentifiedTables } from '../unidentified.js'
import { again, toSteps } from '../../../next-step.js'

/** What the obstacles of a rollback depend on. */
export interface RollbackObstacleQuestion {
  readonly schema: string
  readonly state: MigrationState
  readonly scripts: readonly RollbackScript[]
  readonly range: RollbackRange
}

/** Reads what would stop a rollback halfway, and what of the application it would take along. */
export const readRollbackObstacles = async (
  client: OwnClient,
  { schema, state, scripts, range }: RollbackObstacleQuestion,
): Promise<readonly Obstacle[]> => [
  ...(await readColumnsInUse(client, state, scripts)),
  ...(await readUnidentifiedTables(client, schema, range.needsClients ? ['ChatMessage'] : [])),
]

const WHAT: Partial<Readonly<Record<Obstacle['code'], string>>> = {
  column_in_use: 'columns that the rollback drops are in use',
  replica_identity_missing: 'the server rejects updates of messages',
}

/**
 * Refuses a rollback that an obstacle prevents. Called before the first change.
 * @throws OperatorError with the code of the first obstacle (exit 5)
 */
export const refuseRollbackObstacles = (obstacles: readonly Obstacle[]): void => {
  const refusals = obstacles.filter(({ effect }) => effect === 'refused')
  const [first] = refusals
  if (first === undefined) return
  throw new OperatorError(
    first.code,
    `${WHAT[first.code] ?? 'this database cannot be rolled back as it is'}; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details: refusals.map(({ text }) => text),
      hint: [...refusals.flatMap(({ next }) => toSteps(next)).map((step) => ({ ...step, why: undefined })), again()],
    },
  )
}
