import type { Queryable } from '../../database/connection.js'
import type { Obstacle } from './obstacle.js'

const MOST_SHOWN = 10
const LAGGING_BYTES = 64 * 1024 * 1024

const SELECT_SLOTS = `
  SELECT slot_name AS "name", active, behind::float8 AS "behind"
  FROM (
    SELECT slot_name, active, pg_wal_lsn_diff(
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn) AS behind
    FROM pg_catalog.pg_replication_slots
  ) AS s
  WHERE behind > ${LAGGING_BYTES}
  ORDER BY behind DESC
  LIMIT ${MOST_SHOWN}`

/** Reads replication slots that retain much WAL. */
export const readSlots = async (client: Queryable): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ name: string; active: boolean; behind: number }>(SELECT_SLOTS)
  return rows.map(({ name, active, behind }) => {
    const slot = `replication slot ${JSON.stringify(name)}${active ? '' : ' (inactive)'}`
    return {
      code: 'replication_slot_lags',
      effect: 'note',
      text: `${slot} is ${Math.round(behind / 1e6)} MB behind: the server retains that WAL, and an index build adds to it`,
    }
  })
}
