import type { Metric } from '../metric.js'
import { SESSIONS } from './sessions.js'

export const oldestTransaction: Metric = {
  name: 'oldest_transaction_seconds',
  title: 'oldest transaction',
  help: 'Age of the oldest transaction in the database, prepared ones included; 0 if there is none. An old one keeps VACUUM from removing dead rows, and migrations from starting.',
  unit: 'seconds',
  window: 'all time',
  reads: 'pg_stat_activity',
  select: () => `
    SELECT CASE WHEN NOT coalesce(s."isHidden", false)
      THEN greatest(0, extract(epoch FROM now() - least(s."oldest", p."oldest"))) END AS "value"
    FROM (
      SELECT bool_or(a."isHidden") AS "isHidden", min(a.xact_start) AS "oldest"
      FROM ${SESSIONS} AS a WHERE a."isHidden" OR a.backend_type = 'client backend'
    ) AS s, (
      SELECT min(x.prepared) AS "oldest" FROM pg_catalog.pg_prepared_xacts AS x WHERE x.database = current_database()
    ) AS p`,
}
