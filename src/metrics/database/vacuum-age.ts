import type { Metric } from '../metric.js'
import { chatTables } from './tables.js'

export const vacuumAge: Metric = {
  name: 'vacuum_age_seconds',
  title: 'last vacuum',
  help: 'Time since the last VACUUM of a table, by autovacuum or by hand; unknown if there was none since the statistics were reset.',
  unit: 'seconds',
  window: 'all time',
  labels: ['table'],
  reads: 'pg_stat_all_tables',
  select: (names) => `
    SELECT t.relname::text AS "table",
      extract(epoch FROM now() - greatest(pg_stat_get_last_autovacuum_time(t.oid), pg_stat_get_last_vacuum_time(t.oid))) AS "value"
    FROM ${chatTables(names)} AS t
    ORDER BY 1`,
}
