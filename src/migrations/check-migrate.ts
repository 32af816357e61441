import { describeAddress, type ConnectionTarget } from '../database/connection-target.js'
import { ExitCode, OperatorError } from '../errors.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { chatkeep, toSteps } from '../next-step.js'
import { checkPrivileges } from './ledger/privileges.js'
import type { OwnClient } from './own/own-client.js'
import { draftPlan } from './plan/draft-plan.js'
import type { DraftStep, ScriptForm } from './plan/draft-steps.js'
import { readMigrateObstacles } from './plan/obstacles/of-migrate.js'
import type { Obstacle } from './plan/obstacle.js'
import { readPlan, type ReadPlan } from './plan/read-plan.js'
import { concurrentWork, readRefusals } from './plan/refusals.js'
import { readDoubledKeys } from './plan/obstacles/doubled-keys.js'
import { readDoubledRows } from './plan/obstacles/doubled-rows.js'
import { tableObstacles } from './plan/obstacles/chat-tables.js'
import { refusalOf, withRefusal, type Checked } from './preview.js'
import type { MigrationOptions } from './session.js'

/** The plan of a migrate, and whether it can run. */
interface CheckedMigrate extends ReadPlan, Checked {
  readonly drafts: readonly DraftStep[]
  readonly obstacles: readonly Obstacle[]
  readonly isUpToDate: boolean
}

/** Plans a migrate, and checks before its first statement whether it can run. */
export const checkMigrate = async (
  client: OwnClient,
  target: ConnectionTarget,
  options: MigrationOptions,
  form?: ScriptForm,
): Promise<CheckedMigrate> => {
  const read = await readPlan(client, options)
  const { plan, archive, state } = read
  const drafts = await draftPlan(plan, client.own, { form, signal: options.signal })
  const hidden = await refusalOf(() => refuseHiddenRows(client, options.schema))
  const obstacles = [
    ...tableObstacles(plan, describeAddress(target), options),
    ...(await readDoubledRows(client, state.own)),
    ...(await withRefusal(hidden, () => readDoubledKeys(client, options.schema, state, plan.steps))),
    ...(await readMigrateObstacles(client, { schema: options.schema, drafts, restores: archive.archive })),
  ]
  const isUpToDate = drafts.length === 0 && !Object.values(archive).includes(true)
  const refusal = await refusalOf(async () => {
    if (isUpToDate) return
    await checkPrivileges(client, options.schema, state.own)
    // Most migrations read no row, so that the owner needs to see none.
    if (archive.archive && hidden !== undefined) throw hidden
    const concurrent = concurrentWork(drafts, state.catalog)
    refuseImpossible([...(await readRefusals(client, { schema: options.schema, ...concurrent })), ...obstacles])
  })
  return { ...read, drafts, obstacles, isUpToDate, refusal }
}

const refuseImpossible = (all: readonly Obstacle[]): void => {
  const obstacles = all.filter(({ effect }) => effect === 'refused')
  if (obstacles.length === 0) return
  throw new OperatorError('cannot_migrate', 'this database cannot be migrated as it is; nothing was changed', {
    exitCode: ExitCode.refused,
    details: obstacles.map(({ text }) => text),
    hint: obstacles.some(({ next }) => next !== undefined)
      ? obstacles.flatMap(({ next }) => toSteps(next))
      : chatkeep('migrate --dry-run', 'see the full plan'),
  })
}
