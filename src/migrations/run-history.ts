import { refuseMissingSchema } from '../database/missing-schema.js'
import { readDenied } from '../database/read-denied.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { OwnNames } from '../persistence/own-names.js'
import { refuseOwnConflicts } from './own/own-conflicts.js'
import { canRead, findOwnTable, readOwnState } from './own/own-state.js'
import { RUN_OUTCOMES, type RunOutcome } from './ledger/runs.js'
import { withMigrationSnapshot } from './preview.js'
import type { MigrationOptions } from './session.js'

/** One row of the table of runs: a single step of a run. */
export interface RecordedStep {
  readonly at: Date
  readonly action: string
  /** Such as `2_allow-guest-messages`; null for a step that concerns no single migration. */
  readonly migration: string | null
  readonly durationMs: number
  readonly detail: Readonly<Record<string, unknown>>
}

/** One run of migrate or rollback, or what an erasure took from an archive. */
export interface RecordedRun {
  readonly command: 'migrate' | 'rollback' | 'erase' | 'retain'
  readonly startedAt: Date
  readonly role: string
  readonly version: string
  readonly planHash: string | null
  /** `running`: no outcome yet, and its session exists. `cut`: no outcome, and its session is gone. */
  readonly outcome: RunOutcome | 'running' | 'cut'
  /** Null without an outcome. */
  readonly durationMs: number | null
  /** Why it ended before it was done; null if it was done, or nobody could record it. */
  readonly error: RecordedError | null
  /** Messages that a rollback had archived when it failed; null for other runs. */
  readonly archivedMessages: number | null
  readonly steps: readonly RecordedStep[]
}

/** As the run reported it. */
export interface RecordedError {
  readonly code: string
  readonly sqlState: string | null
  /** Null where it may quote values of rows. */
  readonly message: string | null
}

/** A row of the table of runs, and whether the session that wrote it still exists. */
export interface RunRow extends RecordedStep {
  readonly role: string
  readonly version: string
  readonly isRunning: boolean
}

const selectRuns = ({ runs }: OwnNames): string => `
  SELECT r."at", r."role", r."version", r."action", r."migration", r."durationMs", coalesce(r."detail", '{}') AS "detail",
    EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a
            WHERE a.datname = current_database() AND (a.application_name = r."detail" ->> 'run'
              OR a.pid = (r."detail" ->> 'pid')::integer AND a.backend_start < r."at")) AS "isRunning"
  FROM ${runs} AS r
  ORDER BY r."id"`

/** Reads who changed the schema and when, oldest first. Empty if chatkeep has changed nothing yet. */
export const readRunHistory = (target: ConnectionTarget, options: MigrationOptions): Promise<readonly RecordedRun[]> =>
  withMigrationSnapshot(target, 'migrate', options, async (client) => {
    await refuseMissingSchema(client, options.schema)
    const own = await readOwnState(client, options.schema)
    refuseOwnConflicts(own)
    if (findOwnTable(own, 'runs') === undefined) return []
    if (!canRead(own, 'runs'))
      throw readDenied({ user: own.role, tables: [[own.names.schema, 'runs']] }, 'permission denied for table runs')
    const { rows } = await client.query<RunRow>(selectRuns(own.names))
    return groupRuns(rows)
  })

/** Groups rows of the same run. A row without a run name, from an older version, is a run of its own. */
export const groupRuns = (rows: readonly RunRow[]): readonly RecordedRun[] => {
  const groups = new Map<unknown, [RunRow, ...RunRow[]]>()
  for (const row of rows) {
    const key = row.detail.run ?? row
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return Array.from(groups.values(), toRun)
}

const toRun = (rows: readonly [RunRow, ...RunRow[]]): RecordedRun => {
  const [first] = rows
  const end = rows.find(({ action }) => action === 'migrate' || action === 'rollback')
  const steps = rows.filter((row) => row !== end && !row.action.endsWith(' begun'))
  return {
    command: commandOf(rows),
    startedAt: first.at,
    role: first.role,
    version: first.version,
    planHash: typeof first.detail.planHash === 'string' ? first.detail.planHash : null,
    outcome: outcomeOf(first, end),
    durationMs: end?.durationMs ?? null,
    error: errorOf(end?.detail ?? {}),
    archivedMessages: typeof end?.detail.archivedMessages === 'number' ? end.detail.archivedMessages : null,
    steps: steps.map(({ at, action, migration, durationMs, detail }) => ({
      at,
      action,
      migration,
      durationMs,
      detail,
    })),
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const errorOf = ({ code, sqlState, message }: RunRow['detail']): RecordedError | null =>
  typeof code === 'string' ? { code, sqlState: textOf(sqlState), message: textOf(message) } : null

const commandOf = ([first, ...others]: readonly [RunRow, ...RunRow[]]): RecordedRun['command'] => {
  if (first.detail.aged !== undefined) return 'retain'
  if (first.detail.erased !== undefined) return 'erase'
  return [first, ...others].some(({ action }) => ROLLBACK_ACTIONS.includes(action)) ? 'rollback' : 'migrate'
}

const ROLLBACK_ACTIONS = ['rollback begun', 'rollback', 'roll back', 'archive']

const outcomeOf = (first: RunRow, end: RunRow | undefined): RecordedRun['outcome'] => {
  // Older versions and scripts of migrate --sql record each step when it is done, and no outcome.
  if (first.detail.run === undefined || (first.detail.by !== undefined && !first.action.endsWith(' begun')))
    return 'done'
  if (end !== undefined) return RUN_OUTCOMES.find((outcome) => outcome === end.detail.outcome) ?? 'failed'
  return first.isRunning ? 'running' : 'cut'
}
