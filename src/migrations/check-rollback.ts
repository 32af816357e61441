import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { readArchiveObjects, type ArchiveObjects } from './archive/archive.js'
import { isArchiveOpen, refuseNarrower } from './archive/seal.js'
import { readRollbackScripts, type RollbackScript } from './ledger/migration-files.js'
import { readMigrationState, type MigrationState } from './ledger/migration-state.js'
import { checkPrivileges } from './ledger/privileges.js'
import { rollbackRange, type RollbackRange } from './ledger/rollback-range.js'
import type { OwnClient } from './own/own-client.js'
import { undoOnPartitions } from './plan/on-partitions.js'
import type { Obstacle } from './plan/obstacle.js'
import { readDatabaseIdentity } from './plan/database-identity.js'
import { refuseChangedPlan } from './plan/plan-hash.js'
import { NO_PRICE, readPriceTag, type PriceTag } from './plan/price-tag.js'
import { concurrentWork, readRefusals } from './plan/refusals.js'
import { readRollbackObstacles, refuseRollbackObstacles } from './plan/obstacles/of-rollback.js'
import { draftScripts, rollbackPlanHash } from './plan/rollback-plan.js'
import { refuseImpossible, type RollbackOptions } from './prepare-rollback.js'
import { refusalOf, withRefusal, type Checked } from './preview.js'

interface Rollback {
  /** Migrations to undo. */
  readonly files: readonly unknown[]
  /** An earlier rollback was cut before it sealed its archive. */
  readonly unsealed: boolean
}

/** Whether there is anything to do: a migration to undo, or an archive to seal. */
export const needsRollback = ({ files, unsealed }: Rollback): boolean => files.length > 0 || unsealed

interface ReadRollback {
  readonly state: MigrationState
  readonly range: RollbackRange
  readonly scripts: readonly RollbackScript[]
  readonly archive: ArchiveObjects
  readonly planHash: string
}

/** @throws OperatorError `plan_changed` (exit 5) when the plan is not the approved one */
const readRollback = async (
  client: OwnClient,
  { schema, folder, to, onOrphans, planHash: approved }: RollbackOptions,
): Promise<ReadRollback> => {
  const state = await readMigrationState(client, schema, folder)
  const range = rollbackRange(state, to)
  const files = await readRollbackScripts(folder, range.files)
  const scripts = files.map((script) => undoOnPartitions(script, state.catalog, client.own))
  const archive = await readArchiveObjects(client)
  const identity = await readDatabaseIdentity(client, schema)
  const planHash = rollbackPlanHash(identity, state, archive, scripts, onOrphans)
  refuseChangedPlan(approved, planHash, 'rollback')
  return { state, range, scripts, archive, planHash }
}

/** The plan of a rollback, and whether it can run. */
interface CheckedRollback extends ReadRollback, Checked {
  readonly price: PriceTag
  readonly obstacles: readonly Obstacle[]
  readonly unsealed: boolean
}

/** Plans a rollback, and checks before its first change, by reading only, whether it can run. */
export const checkRollback = async (client: OwnClient, options: RollbackOptions): Promise<CheckedRollback> => {
  const { schema } = options
  const read = await readRollback(client, options)
  const { state, range, scripts } = read
  const unsealed = range.files.length === 0 && (await isArchiveOpen(client))
  const isNeeded = needsRollback({ files: range.files, unsealed })
  const denied = await refusalOf(async () => {
    if (!isNeeded) return
    await checkPrivileges(client, schema, state.own, range.captureEnds !== undefined)
    await refuseHiddenRows(client, schema)
  })
  const price = isNeeded ? await withRefusal(denied, () => readPriceTag(client, state, range)) : NO_PRICE
  const obstacles = await readRollbackObstacles(client, { schema, state, scripts, range })
  const refused = await refusalOf(async () => {
    if (!isNeeded) return
    await refuseNarrower(client, range)
    const drafts = await draftScripts(scripts, range, state.own, options.signal)
    const partitioned = await readRefusals(client, { schema, ...concurrentWork(drafts, state.catalog) })
    refuseRollbackObstacles([...obstacles, ...partitioned])
    await refuseImpossible(client, range, price, options)
  })
  return { ...read, price, obstacles, unsealed, refusal: denied ?? refused }
}
