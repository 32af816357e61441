import type { Metric } from '../metric.js'
import { chatTables, overPartitions } from './tables.js'

export const deadRows: Metric = {
  name: 'dead_rows',
  title: 'dead rows',
  help: 'Row versions that VACUUM has yet to remove, as the statistics estimate them.',
  unit: 'count',
  window: 'all time',
  labels: ['table'],
  reads: 'pg_stat_all_tables',
  select: (names) => `
    SELECT t.relname::text AS "table", ${overPartitions('sum', (oid) => `pg_stat_get_dead_tuples(${oid})`)} AS "value" FROM ${chatTables(names)} AS t ORDER BY 1`,
}
