import type { ConnectionTarget } from '../database/connection-target.js'
import { countArchivedMessages } from './archive/archive.js'
import { blockedBy, type TableLock } from './locks/lock-modes.js'
import { describePlan } from './plan/describe-plan.js'
import { draftSteps, type ScriptForm } from './plan/draft-steps.js'
import { readPlan } from './plan/read-plan.js'
import { renderScript } from './script/script.js'
import { withMigrationPreview, type PreviewOptions } from './session.js'

export interface MigrateScript {
  readonly sql: string
  readonly planHash: string
}

/** Renders the plan of a migrate as one SQL script for psql or a web SQL editor. Changes nothing. */
export const scriptMigrate = (
  target: ConnectionTarget,
  form: ScriptForm,
  options: PreviewOptions,
): Promise<MigrateScript> =>
  withMigrationPreview(target, 'migrate', options, async (client) => {
    const { state, plan, archive, hash } = await readPlan(client, options)
    const drafts = await draftSteps(plan.steps, form)
    const { steps, estimatedMs } = await describePlan(client, options.schema, state, drafts)
    const isOnExistingTable = ({ table }: TableLock): boolean => state.catalog.tables.includes(table)
    const locks = steps.flatMap(({ statements }) => statements.flatMap((statement) => statement.locks))
    const sql = renderScript({
      form,
      database: target.database,
      schema: options.schema,
      planHash: hash,
      names: client.own,
      own: plan.own,
      steps: plan.steps,
      drafts,
      leftovers: archive,
      archivedMessages: await countArchivedMessages(client, archive),
      blocks: blockedBy(locks.filter(isOnExistingTable)),
      estimatedMs,
    })
    return { sql, planHash: hash }
  })
