import type { Queryable } from '../../database/connection.js'
import type { PastRun } from './estimate.js'

const SELECT_READABLE = `
  SELECT coalesce(has_table_privilege(to_regclass('"chatkeep_runs"'), 'SELECT'), false) AS "readable"`

const SELECT_PAST_RUNS = `
  SELECT DISTINCT ON ("migration") "migration", "durationMs", to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS "day"
  FROM "chatkeep_runs"
  WHERE "action" IN ('apply', 'repair') AND "migration" IS NOT NULL
  ORDER BY "migration", "id" DESC`

/** How long each migration last took here; empty if the table of runs is missing or not readable. */
export const readPastRuns = async (client: Queryable): Promise<readonly PastRun[]> => {
  const { rows: readable } = await client.query<{ readable: boolean }>(SELECT_READABLE)
  if (readable[0]?.readable !== true) return []
  const { rows } = await client.query<PastRun>(SELECT_PAST_RUNS)
  return rows
}
