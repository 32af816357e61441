import type { ConnectionTarget } from '../database/connection-target.js'
import { countArchivedMessages } from './archive/archive.js'
import { checkMigrate } from './check-migrate.js'
import { blockedBy, type TableLock } from './locks/lock-modes.js'
import { describePlan } from './plan/describe-plan.js'
import type { ScriptForm } from './plan/draft-steps.js'
import { renderScript } from './script/script.js'
import { readScriptHome } from './script/self-check.js'
import { withMigrationPreview, withRefusal, type Checked } from './preview.js'
import { chatkeep, describeSteps } from '../next-step.js'
import type { MigrationOptions } from './session.js'

export interface MigrateScript extends Checked {
  readonly sql: string
  readonly planHash: string
}

/** Renders the plan of a migrate as one SQL script for psql or a web SQL editor. Changes nothing. */
export const scriptMigrate = (
  target: ConnectionTarget,
  form: ScriptForm,
  options: MigrationOptions,
): Promise<MigrateScript> =>
  withMigrationPreview(target, 'migrate', { ...options, dryRun: false, script: true }, async (client) => {
    const { state, plan, archive, hash, drafts, refusal } = await checkMigrate(client, target, options, form)
    const { steps, estimatedMs } = await describePlan(client, options.schema, state, drafts, {
      maxLagMs: options.replicas.maxLagMs,
    })
    const isOnExistingTable = ({ table }: TableLock): boolean => state.catalog.tables.includes(table)
    const locks = steps.flatMap(({ statements }) => statements.flatMap((statement) => statement.locks))
    const sql = renderScript({
      commandFor: (command) => describeSteps(chatkeep(command), target.naming),
      form,
      database: target.database,
      schema: options.schema,
      planHash: hash,
      names: client.own,
      home: await readScriptHome(client, state.history.state === 'present'),
      own: plan.own,
      steps: plan.steps,
      drafts: drafts.slice(drafts.length - plan.steps.length),
      leftovers: archive,
      archivedMessages: await withRefusal(refusal, () => countArchivedMessages(client, archive)),
      blocks: blockedBy(locks.filter(isOnExistingTable)),
      estimatedMs,
    })
    return { sql, planHash: hash, refusal }
  })
