import type { Metric } from '../metric.js'
import { chatTables, overPartitions } from './tables.js'

const lastVacuum = (oid: string): string =>
  `greatest(pg_stat_get_last_autovacuum_time(${oid}), pg_stat_get_last_vacuum_time(${oid}))`

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
      extract(epoch FROM now() - ${overPartitions('max', lastVacuum)}) AS "value"
    FROM ${chatTables(names)} AS t
    ORDER BY 1`,
}
