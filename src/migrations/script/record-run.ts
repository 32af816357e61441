import { escapeLiteral } from 'pg'
import { packageVersion } from '../../package-root.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { nextRun, type MigrationCommand, type RunAction } from '../ledger/runs.js'

/** A row that a script adds to the table of runs. */
export interface ScriptRun {
  readonly action: RunAction
  /** Such as `2_allow-guest-messages`. */
  readonly migration?: string
  readonly inTransaction: boolean
  readonly detail?: Readonly<Record<string, unknown>>
  /** Further detail, as SQL of type jsonb. */
  readonly moreDetail?: string
  /** A FROM clause; without rows, nothing is added. */
  readonly source?: string
  readonly conditions?: readonly string[]
  /** When it started, as SQL; the end of the row before it, or of `START_STEP`, if absent. */
  readonly startedAt?: string
}

/** Whose script it is. */
export interface ScriptOrigin {
  readonly command: MigrationCommand
  readonly planHash: string
  readonly names: OwnNames
}

const STARTED = 'chatkeep.step_started'

/** Precedes a step outside a transaction, so that its duration is known. */
export const START_STEP = `SELECT set_config('${STARTED}', clock_timestamp()::text, false) AS "started"`

// In a transaction, the first step starts with it, and each other where the one before ended.
const startOf = (inTransaction: boolean, { runs }: OwnNames): string =>
  inTransaction
    ? `greatest(now(), (SELECT max("at") FROM ${runs}))`
    : `nullif(current_setting('${STARTED}', true), '')::timestamptz`

/** The statement that adds the first row of the script's run. Its session shows whether the script still runs. */
export const recordBegin = (run: Omit<ScriptRun, 'action'>, origin: ScriptOrigin): string =>
  recordInScript(
    { ...run, action: `${origin.command} begun`, moreDetail: `jsonb_build_object('pid', pg_catalog.pg_backend_pid())` },
    origin,
  )

/** When the script's run began, as SQL. */
export const startOfRun = ({ command, names }: ScriptOrigin): string =>
  `(SELECT max("at") FROM ${names.runs} WHERE "action" = '${command} begun')`

/** The name of the script's run. */
export const runOfScript = ({ command, planHash }: ScriptOrigin): string => `chatkeep ${command} --sql ${planHash}`

/** The statement that adds the row. */
export const recordInScript = (
  { action, migration, inTransaction, detail, moreDetail, source, conditions = [], startedAt }: ScriptRun,
  script: ScriptOrigin,
): string => {
  const { command, planHash, names } = script
  const by = `${command} --sql`
  const origin = escapeLiteral(JSON.stringify({ by, run: runOfScript(script), planHash, ...detail }))
  return [
    `INSERT INTO ${names.runs} ("id", "version", "action", "migration", "durationMs", "detail")`,
    `SELECT ${nextRun(names.runs)}, ${escapeLiteral(packageVersion())}, ${escapeLiteral(action)}, ${migration === undefined ? 'NULL' : escapeLiteral(migration)},`,
    `  coalesce(round(1000 * extract(epoch FROM clock_timestamp() - ${startedAt ?? startOf(inTransaction, names)})), 0)::integer,`,
    `  ${moreDetail === undefined ? origin : `${origin}::jsonb || ${moreDetail}`}`,
    ...(source === undefined ? [] : [source]),
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join('\n  AND ')}`]),
  ].join('\n')
}
