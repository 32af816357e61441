import { describeAddress, type ConnectionTarget } from '../database/connection-target.js'
import type { Answer } from '../terminal/answer.js'
import { confirmByName } from '../terminal/confirm.js'
import type { Terminal } from '../terminal/terminal.js'
import { firstLine, withFirstLine } from './first-line.js'
import { BASE_MIGRATION } from './ledger/migration-names.js'
import { describeSubject, toMigrationOptions, type MigrationFlags } from './options.js'
import { renderObstacle } from './plan/screens/render-plan.js'
import { renderStatements } from './plan/screens/render-statements.js'
import { renderPriceTag } from './plan/screens/render-price-tag.js'
import type { RollbackChoice } from './prepare-rollback.js'
import {
  confirmedCommand,
  nothingToRollBack,
  renderRollbackSteps,
  rollbackDryRun,
  rollbackResult,
} from './render-rollback.js'
import { needsRollback } from './check-rollback.js'
import type { ScriptForm } from './plan/draft-steps.js'
import { scriptRollback } from './script-rollback.js'
import { previewRollback, rollBack } from './roll-back.js'

/** The flags of `chatkeep rollback`. */
export interface RollbackFlags extends MigrationFlags, Omit<RollbackChoice, 'to'> {
  /** The newest migration that stays; the base migration when absent. */
  readonly to?: number | undefined
  readonly dryRun?: true | undefined
  /** Prints the plan as a script instead. */
  readonly sql?: ScriptForm | undefined
  /** Must be the name of the database. */
  readonly confirm?: string | undefined
}

/** Rolls the database back after a confirmation, or shows what that would do. */
export const runRollback = async (
  target: ConnectionTarget,
  flags: RollbackFlags,
  terminal: Terminal,
): Promise<Answer> => {
  const first = withFirstLine('rollback', target, toMigrationOptions(flags, target, terminal), terminal)
  const { options } = first
  const choice = { to: flags.to ?? BASE_MIGRATION, onOrphans: flags.onOrphans }
  const subject = describeSubject(target)
  if (flags.sql !== undefined) {
    const { sql, planHash, price } = await scriptRollback(target, flags.sql, { ...options, ...choice })
    return { data: { ...subject, form: flags.sql, planHash, sql, price }, text: () => sql, isScript: true }
  }
  const { dryRun = false, verbose = false } = flags
  const preview = await previewRollback(target, { ...options, ...choice, dryRun, verbose })
  if (dryRun)
    return rollbackDryRun(firstLine('rollback', target, options), subject, choice, preview, {
      naming: target.naming,
      verbose,
    })
  if (!needsRollback(preview))
    return {
      data: { ...subject, to: choice.to, steps: [], archive: null },
      text: () => `ok: ${nothingToRollBack(subject, choice, preview)}`,
    }
  first.print()
  terminal.progress.line(renderRollbackSteps(preview))
  terminal.progress.line(renderPriceTag(preview.price, choice, terminal.progressRender))
  for (const line of renderStatements(preview.details?.steps ?? [])) terminal.progress.line(line)
  for (const obstacle of preview.obstacles) terminal.progress.line(renderObstacle(obstacle, target.naming))
  await confirmByName(
    {
      ...{ database: target.database, wanted: target.naming?.confirmation ?? target.database, given: flags.confirm },
      ...{ question: `Roll back ${describeAddress(target)}?`, what: 'a rollback' },
      command: confirmedCommand(target.database, preview.planHash),
    },
    terminal,
  )
  // What was shown and confirmed, and nothing else: files or schema may have changed meanwhile.
  const agreed = { ...options, ...choice, planHash: options.planHash ?? preview.planHash }
  return rollbackResult(subject, choice.to, await rollBack(target, agreed), target.naming)
}
