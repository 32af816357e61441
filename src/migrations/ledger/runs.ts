import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { packageVersion } from '../../package-root.js'

/** Our own append-only history. A rollback deletes rows from the table `migrations`; this table keeps them. */
export const CREATE_RUNS = `
  CREATE TABLE IF NOT EXISTS "chatkeep_runs" (
    "id" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "at" timestamptz NOT NULL DEFAULT clock_timestamp(),
    "role" text NOT NULL DEFAULT session_user,
    "version" text NOT NULL,
    "action" text NOT NULL,
    "migration" text,
    "durationMs" integer NOT NULL,
    "detail" jsonb
  )`

// The application_name, such as `chatkeep migrate 5f0c2a91`, is unique to one run.
const INSERT_RUN = `
  INSERT INTO "chatkeep_runs" ("version", "action", "migration", "durationMs", "detail")
  VALUES ($1, $2, $3, $4, jsonb_build_object('run', current_setting('application_name')) || coalesce($5::jsonb, '{}'))`

export type MigrationCommand = 'migrate' | 'rollback'

export type RunAction =
  | 'migrate begun'
  | 'migrate'
  | 'rollback begun'
  | 'rollback'
  | 'apply'
  | 'record'
  | 'repair'
  | 'roll back'
  | 'archive begun'
  | 'archive'
  | 'restore begun'
  | 'restore'

export const RUN_OUTCOMES = ['done', 'failed', 'interrupted'] as const

export type RunOutcome = (typeof RUN_OUTCOMES)[number]

export interface Run {
  readonly action: RunAction
  /** Such as `2_allow-guest-messages`. */
  readonly migration?: string
  readonly durationMs: number
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Whether this schema has a table of runs. */
export const hasRunsTable = async (client: Queryable): Promise<boolean> => {
  const { rows } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('"chatkeep_runs"') IS NOT NULL AS "exists"`,
  )
  return rows[0]?.exists === true
}

/** Creates the table if it is missing. Looks first, because IF NOT EXISTS would send a notice. */
export const ensureRunsTable = async (client: Queryable): Promise<void> => {
  if (!(await hasRunsTable(client))) await client.query(CREATE_RUNS)
}

/** Appends one row. */
export const recordRun = async (client: Queryable, { action, migration, durationMs, detail }: Run): Promise<void> => {
  const values = [
    packageVersion(),
    action,
    migration ?? null,
    Math.round(durationMs),
    detail === undefined ? null : JSON.stringify(detail),
  ]
  await client.query(INSERT_RUN, values)
}

/** Records the start of a run and its outcome. A run that was killed has only a start. */
export const recorded = async <T>(
  client: Queryable,
  command: MigrationCommand,
  detail: Readonly<Record<string, unknown>>,
  work: () => Promise<T>,
): Promise<T> => {
  const startedAt = performance.now()
  const end = (outcome: RunOutcome, more: Readonly<Record<string, unknown>> = {}): Promise<void> =>
    recordRun(client, {
      action: command,
      durationMs: performance.now() - startedAt,
      detail: { ...detail, outcome, ...more },
    })
  await recordRun(client, { action: `${command} begun`, durationMs: 0, detail })
  let result: T
  try {
    result = await work()
  } catch (error) {
    // The connection may be lost; the first error wins.
    await end(outcomeOf(error), describeError(error)).catch(() => undefined)
    throw error
  }
  await end('done')
  return result
}

const outcomeOf = (error: unknown): RunOutcome => {
  const exitCode = error instanceof OperatorError ? error.exitCode : undefined
  return exitCode === ExitCode.interrupted || exitCode === ExitCode.terminated ? 'interrupted' : 'failed'
}

const describeError = (error: unknown): Readonly<Record<string, unknown>> =>
  error instanceof OperatorError ? { code: error.code, sqlState: error.sqlState ?? null } : {}

/** The SQL that a run applied. */
export interface AppliedSql {
  /** Its title at that time. */
  readonly migration: string
  readonly at: string
  readonly sql: string
}

// Reads rows as JSON, so a table of an older version is not an error.
const selectAppliedSql = (schema: string): string => `
  SELECT DISTINCT ON (a."id") a."id", a."migration", a."at", a."sql"
  FROM (
    SELECT substring(r."run" ->> 'migration' FROM '^[0-9]+')::integer AS "id", r."run" ->> 'migration' AS "migration",
      r."run" ->> 'at' AS "at", r."run" #>> '{detail,sql}' AS "sql", (r."run" ->> 'id')::bigint AS "run"
    FROM (SELECT to_jsonb(t) AS "run" FROM ${qualified(schema, 'chatkeep_runs')} AS t) AS r
    WHERE r."run" ->> 'action' IN ('apply', 'record', 'repair') AND r."run" ->> 'migration' ~ '^[0-9]{1,9}_'
  ) AS a
  WHERE a."sql" IS NOT NULL AND a."id" = ANY ($1)
  ORDER BY a."id", a."run" DESC`

/** The SQL last applied for each of these migrations, by id. Omits migrations without recorded SQL. */
export const readAppliedSql = async (
  client: Queryable,
  schema: string,
  ids: readonly number[],
): Promise<ReadonlyMap<number, AppliedSql>> => {
  const { rows } = await client.query<AppliedSql & { readonly id: number }>(selectAppliedSql(schema), [ids])
  return new Map(rows.map(({ id, ...applied }) => [id, applied]))
}
