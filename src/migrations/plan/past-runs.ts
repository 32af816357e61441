import type { OwnNames } from '../../persistence/own-names.js'
import { canReadOwn, type OwnClient } from '../own/own-client.js'
import type { PastRun } from './estimate.js'

const selectPastRuns = ({ runs }: OwnNames): string => `
  SELECT DISTINCT ON ("migration") "migration", "durationMs", to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS "day"
  FROM ${runs}
  WHERE "action" IN ('apply', 'repair') AND "migration" IS NOT NULL
  ORDER BY "migration", "id" DESC`

/** How long each migration last took here; empty if the table of runs is missing or not readable. */
export const readPastRuns = async (client: OwnClient): Promise<readonly PastRun[]> => {
  if (!(await canReadOwn(client, 'runs'))) return []
  const { rows } = await client.query<PastRun>(selectPastRuns(client.own))
  return rows
}
