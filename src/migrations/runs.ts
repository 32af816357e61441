import type { Queryable } from '../database/connection.js'
import { qualified } from '../database/identifier.js'
import { packageVersion } from '../package-root.js'

/** Our own append-only history. The table `migrations` forgets a migration when it is rolled back; this one does not. */
const CREATE_RUNS = `
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

const INSERT_RUN = `
  INSERT INTO "chatkeep_runs" ("version", "action", "migration", "durationMs", "detail")
  VALUES ($1, $2, $3, $4, $5)`

export type RunAction = 'apply' | 'record' | 'repair' | 'roll back' | 'archive' | 'restore begun' | 'restore'

export interface Run {
  readonly action: RunAction
  /** As people name it, e.g. `2_allow-guest-messages`. */
  readonly migration?: string
  readonly durationMs: number
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Creates the table where it is missing. Quiet about one that is there: its notice would say nothing. */
export const ensureRunsTable = async (client: Queryable): Promise<void> => {
  const { rows } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('"chatkeep_runs"') IS NOT NULL AS "exists"`,
  )
  if (rows[0]?.exists !== true) await client.query(CREATE_RUNS)
}

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

/** What a run applied, as far as it was kept. */
export interface AppliedSql {
  /** As it was named then. */
  readonly migration: string
  readonly at: string
  readonly sql: string
}

// By way of json, so that a table of another shape, or of an older version, is no error.
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

/** What was last applied of each of these migrations, by their numbers; those of which nothing was kept are left out. */
export const readAppliedSql = async (
  client: Queryable,
  schema: string,
  ids: readonly number[],
): Promise<ReadonlyMap<number, AppliedSql>> => {
  const { rows } = await client.query<AppliedSql & { readonly id: number }>(selectAppliedSql(schema), [ids])
  return new Map(rows.map(({ id, ...applied }) => [id, applied]))
}
