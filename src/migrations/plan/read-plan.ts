import type { OwnClient } from '../own/own-client.js'
import { readArchiveObjects, type ArchiveObjects } from '../archive/archive.js'
import { readMigrationState, type MigrationState } from '../ledger/migration-state.js'
import { planHash, refuseChangedPlan } from './plan-hash.js'
import { planMigrations, type MigrationPlan } from './plan.js'
import { readDatabaseIdentity } from './database-identity.js'

/** The plan of a migrate, with the state it was made from. */
export interface ReadPlan {
  readonly state: MigrationState
  readonly plan: MigrationPlan
  /** What an earlier rollback left in the database. */
  readonly archive: ArchiveObjects
  readonly hash: string
}

export interface ReadPlanOptions {
  readonly schema: string
  readonly folder: string
  /** Hash of the approved plan; undefined accepts any plan. */
  readonly planHash?: string | undefined
}

/**
 * Reads the state of the database and plans a migrate.
 * @throws OperatorError `plan_changed` (exit 5) when the plan is not the approved one
 */
export const readPlan = async (
  client: OwnClient,
  { schema, folder, planHash: approved }: ReadPlanOptions,
): Promise<ReadPlan> => {
  const state = await readMigrationState(client, schema, folder)
  const plan = planMigrations(state)
  const archive = await readArchiveObjects(client)
  const identity = await readDatabaseIdentity(client, schema)
  const hash = planHash({ command: 'migrate', identity, state, archive })
  refuseChangedPlan(approved, hash, 'migrate')
  return { state, plan, archive, hash }
}
