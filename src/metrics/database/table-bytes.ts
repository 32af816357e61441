import type { Metric } from '../metric.js'
import { chatTables, overPartitions } from './tables.js'

export const tableBytes: Metric = {
  name: 'table_bytes',
  title: 'table size',
  help: 'Size of a table with its TOAST data, without its indexes.',
  unit: 'bytes',
  window: 'all time',
  labels: ['table'],
  reads: 'pg_class',
  select: (names) => `
    SELECT t.relname::text AS "table", ${overPartitions('sum', (oid) => `pg_table_size(${oid})`)} AS "value" FROM ${chatTables(names)} AS t ORDER BY 1`,
}
