import type { ConnectionTarget } from '../database/connection-target.js'
import { hasRunsTable, type RunOutcome } from './ledger/runs.js'
import { withMigrationPreview, type MigrationOptions } from './session.js'

/** One line of `chatkeep_runs`: what was done at one go. */
export interface RecordedStep {
  readonly at: Date
  readonly action: string
  /** As people name it, e.g. `2_allow-guest-messages`; null for what concerns no single one. */
  readonly migration: string | null
  readonly durationMs: number
  readonly detail: Readonly<Record<string, unknown>>
}

/** One run of migrate or rollback, from its first line to its last. */
export interface RecordedRun {
  readonly command: 'migrate' | 'rollback'
  readonly startedAt: Date
  readonly role: string
  readonly version: string
  readonly planHash: string | null
  /** `running`: its session is there. `cut`: neither an end was recorded nor is the session there. */
  readonly outcome: RunOutcome | 'running' | 'cut'
  /** Null while there is no end. */
  readonly durationMs: number | null
  readonly steps: readonly RecordedStep[]
}

interface Row extends RecordedStep {
  readonly role: string
  readonly version: string
  readonly isRunning: boolean
}

const SELECT_RUNS = `
  SELECT r."at", r."role", r."version", r."action", r."migration", r."durationMs", coalesce(r."detail", '{}') AS "detail",
    EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a
            WHERE a.datname = current_database() AND a.application_name = r."detail" ->> 'run') AS "isRunning"
  FROM "chatkeep_runs" AS r
  ORDER BY r."id"`

/** Reads who did what to the schema, and when; the oldest first. Empty where chatkeep has changed nothing yet. */
export const readRunHistory = (target: ConnectionTarget, options: MigrationOptions): Promise<readonly RecordedRun[]> =>
  withMigrationPreview(target, 'migrate', { ...options, dryRun: true }, async (client) => {
    if (!(await hasRunsTable(client))) return []
    const { rows } = await client.query<Row>(SELECT_RUNS)
    return groupRuns(rows)
  })

/** Puts lines of the same run together. */
const groupRuns = (rows: readonly Row[]): readonly RecordedRun[] => {
  const groups = new Map<unknown, Row[]>()
  for (const row of rows) {
    const key = row.detail.run ?? row
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return Array.from(groups.values(), toRun)
}

const toRun = (rows: readonly Row[]): RecordedRun => {
  const [first] = rows as readonly [Row, ...Row[]]
  const end = rows.find(({ action }) => action === 'migrate' || action === 'rollback')
  const steps = rows.filter((row) => row !== end && !row.action.endsWith(' begun'))
  return {
    command: rows.some(({ action }) => ROLLBACK_ACTIONS.includes(action)) ? 'rollback' : 'migrate',
    startedAt: first.at,
    role: first.role,
    version: first.version,
    planHash: (first.detail.planHash as string | undefined) ?? null,
    outcome: outcomeOf(first, end),
    durationMs: end?.durationMs ?? null,
    steps: steps.map(({ at, action, migration, durationMs, detail }) => ({
      at,
      action,
      migration,
      durationMs,
      detail,
    })),
  }
}

const outcomeOf = (first: Row, end: Row | undefined): RecordedRun['outcome'] => {
  // What an older version did, or a script of migrate --sql, was written down line by line, each when it was done.
  if (first.detail.run === undefined || first.detail.by !== undefined) return 'done'
  if (end !== undefined) return end.detail.outcome as RunOutcome
  return first.isRunning ? 'running' : 'cut'
}

const ROLLBACK_ACTIONS = ['rollback begun', 'rollback', 'roll back', 'archive']
