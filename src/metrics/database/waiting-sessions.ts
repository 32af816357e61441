import type { Metric } from '../metric.js'

export const waitingSessions: Metric = {
  name: 'waiting_sessions',
  title: 'sessions that wait for a lock',
  help: 'Sessions of the database that wait for a lock. chatkeep status shows who blocks them.',
  unit: 'count',
  window: 'all time',
  reads: 'pg_locks',
  select: () => `
    SELECT count(DISTINCT l.pid) AS "value"
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
    WHERE NOT l.granted AND a.datname = current_database()`,
}
