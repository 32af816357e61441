import { describeAddress, type ConnectionTarget } from '../database/connection-target.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { Terminal } from '../terminal/terminal.js'
import { firstLine, withFirstLine } from './first-line.js'
import { migrate, needsWork, previewMigrate } from './migrate.js'
import { describeSubject, toMigrationOptions, type MigrationFlags } from './options.js'
import type { ScriptForm } from './plan/draft-steps.js'
import { renderObstacle } from './plan/screens/render-plan.js'
import { renderStatements } from './plan/screens/render-statements.js'
import { migrateResult, migrateDryRun, renderMigrateSteps } from './render-migrate.js'
import { renderRunHistory } from './render-run-history.js'
import { readRunHistory } from './run-history.js'
import { scriptMigrate } from './script-migrate.js'
import { shellWord } from '../shell-word.js'
import { again, or } from '../next-step.js'

/** The flags of `chatkeep migrate`; the first of `history`, `sql` and `dryRun` that is set decides what is shown instead of done. */
export interface MigrateFlags extends MigrationFlags {
  readonly dryRun?: true | undefined
  readonly history?: true | undefined
  readonly sql?: ScriptForm | undefined
  readonly yes?: true | undefined
}

/** Migrates the database, or shows its history, the plan, or the plan as a script. */
export const runMigrate = async (
  target: ConnectionTarget,
  flags: MigrateFlags,
  terminal: Terminal,
): Promise<Answer> => {
  const first = withFirstLine('migrate', target, toMigrationOptions(flags, target, terminal), terminal)
  const { options } = first
  const subject = describeSubject(target)
  if (flags.history === true) {
    const runs = await readRunHistory(target, options)
    return {
      data: { ...subject, runs },
      text: (render) => renderRunHistory(firstLine('history', target, options), runs, render),
    }
  }
  if (flags.sql !== undefined) {
    const { sql, planHash } = await scriptMigrate(target, flags.sql, options)
    return { data: { ...subject, form: flags.sql, planHash, sql }, text: () => sql, isScript: true }
  }
  const { dryRun = false, verbose = false } = flags
  const preview = await previewMigrate(target, { ...options, dryRun, verbose })
  if (dryRun) {
    const header = firstLine('migrate', target, options, preview.serverVersion)
    return migrateDryRun(header, subject, preview, { naming: target.naming, verbose })
  }
  first.print(preview.serverVersion)
  terminal.progress.line(renderMigrateSteps(preview, terminal.progressRender))
  for (const line of renderStatements(preview.details?.steps ?? [])) terminal.progress.line(line)
  for (const obstacle of preview.obstacles) terminal.progress.line(renderObstacle(obstacle, target.naming))
  const agreed = needsWork(preview) && flags.yes !== true && (await confirm(target, terminal))
  return migrateResult(subject, await migrate(target, agreed ? preview.plan : undefined, options), target.naming)
}

/**
 * @returns true after a yes, false where questions cannot be asked
 * @throws OperatorError `confirmation_missing` (exit 5) where they cannot, and the database was merely found in `.env`
 */
const confirm = async (target: ConnectionTarget, { ask }: Terminal): Promise<boolean> => {
  const { database, origin } = target
  const answer = await ask(`Migrate ${describeAddress(target)}? [y/N] `)
  if (answer === undefined && origin?.isNamed === false) throw foundByChance(database, origin.name)
  if (answer === undefined) return false
  if (/^y(es)?$/i.test(answer)) return true
  throw new OperatorError('declined', 'not confirmed; nothing was changed', {
    exitCode: ExitCode.refused,
    hint: ['answer y', or(again('--yes'))],
  })
}

const foundByChance = (database: string, file: string): OperatorError =>
  new OperatorError(
    'confirmation_missing',
    `only ${file} of the working directory says that ${database} is meant; nothing was changed`,
    { exitCode: ExitCode.refused, hint: [again(`--env-file ${shellWord(file)}`), or(again('--yes'))] },
  )
