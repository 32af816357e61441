import type { OwnNames } from '../../persistence/own-names.js'
import type { Queryable } from '../../database/connection.js'
import { canRead, type OwnState } from '../own/own-state.js'
import type { PastRun } from './estimate.js'

const selectPastRuns = ({ runs }: OwnNames): string => `
  SELECT DISTINCT ON ("migration") "migration", "durationMs", to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS "day"
  FROM ${runs}
  WHERE "action" IN ('apply', 'repair') AND "migration" IS NOT NULL
  ORDER BY "migration", "id" DESC`

/** How long each migration last took here; empty if the table of runs is missing or not readable. */
export const readPastRuns = async (client: Queryable, own: OwnState): Promise<readonly PastRun[]> => {
  if (!canRead(own, 'runs')) return []
  const { rows } = await client.query<PastRun>(selectPastRuns(own.names))
  return rows
}
