import type { Queryable } from '../../database/connection.js'
import { COMMIT_SESSION_LOCALLY } from '../../database/durability/commit-locally.js'
import { OperatorError } from '../../errors.js'
import { packageVersion } from '../../package-root.js'
import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnClient, RunClient } from '../own/own-client.js'

// The application_name, such as `chatkeep migrate 5f0c2a91`, is unique to one run.
const insertRun = ({ runs }: OwnNames): string => `
  INSERT INTO ${runs} ("id", "version", "action", "migration", "durationMs", "detail")
  VALUES (${nextRun(runs)}, $1, $2, $3, $4, jsonb_build_object('run', current_setting('application_name')) || coalesce($5::jsonb, '{}'))`

/** The number of the next row. Only the holder of the migration lock writes here, so two never get the same one. */
export const nextRun = (runs: string): string => `(SELECT coalesce(max("id"), 0) + 1 FROM ${runs})`

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

/** Appends one row. */
export const recordRun = async (client: OwnClient, { action, migration, durationMs, detail }: Run): Promise<void> => {
  const values = [
    packageVersion(),
    action,
    migration ?? null,
    Math.round(durationMs),
    detail === undefined ? null : JSON.stringify(detail),
  ]
  await client.query(insertRun(client.own), values)
}

/**
 * Records the start of a run and its outcome, and waits until all of it is as durable as the server promises. A run that was killed has only a start.
 * @param readProgress what a run that fails has finished beside its steps
 */
export const recorded = async <T>(
  client: RunClient,
  command: MigrationCommand,
  detail: Readonly<Record<string, unknown>>,
  work: () => Promise<T>,
  readProgress: () => Promise<Readonly<Record<string, unknown>>> = () => Promise.resolve({}),
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
    // The connection may be lost; the first error wins. A run that ends does not wait for a standby once more.
    await client
      .query(COMMIT_SESSION_LOCALLY)
      .then(readProgress)
      .then((progress) => end(outcomeOf(error), { ...describeError(error), ...progress }))
      .catch(() => undefined)
    throw error
  }
  await end('done')
  await client.confirm()
  return result
}

const outcomeOf = (error: unknown): RunOutcome =>
  error instanceof OperatorError && error.code === 'interrupted' ? 'interrupted' : 'failed'

const describeError = (error: unknown): Readonly<Record<string, unknown>> =>
  error instanceof OperatorError
    ? {
        code: error.code,
        sqlState: error.sqlState ?? null,
        message: quotesValues(error) ? null : error.message,
      }
    : {}

// Messages of these classes quote the value that was wrong, or are whatever a function of the application raised.
const quotesValues = ({ sqlState }: OperatorError): boolean => /^(?:22|P0)/.test(sqlState ?? '')

/** The SQL that a run applied. */
export interface AppliedSql {
  /** Its title at that time. */
  readonly migration: string
  readonly at: string
  readonly sql: string
}

// Reads rows as JSON, so a table of an older version is not an error.
const selectAppliedSql = ({ runs }: OwnNames): string => `
  SELECT DISTINCT ON (a."id") a."id", a."migration", a."at", a."sql"
  FROM (
    SELECT substring(r."run" ->> 'migration' FROM '^[0-9]+')::integer AS "id", r."run" ->> 'migration' AS "migration",
      r."run" ->> 'at' AS "at", r."run" #>> '{detail,sql}' AS "sql", (r."run" ->> 'id')::bigint AS "run"
    FROM (SELECT to_jsonb(t) AS "run" FROM ${runs} AS t) AS r
    WHERE r."run" ->> 'action' IN ('apply', 'record', 'repair') AND r."run" ->> 'migration' ~ '^[0-9]{1,9}_'
  ) AS a
  WHERE a."sql" IS NOT NULL AND a."id" = ANY ($1)
  ORDER BY a."id", a."run" DESC`

/** The SQL last applied for each of these migrations, by id. Omits migrations without recorded SQL. */
export const readAppliedSql = async (
  client: Queryable,
  own: OwnNames,
  ids: readonly number[],
): Promise<ReadonlyMap<number, AppliedSql>> => {
  const { rows } = await client.query<AppliedSql & { readonly id: number }>(selectAppliedSql(own), [ids])
  return new Map(rows.map(({ id, ...applied }) => [id, applied]))
}
