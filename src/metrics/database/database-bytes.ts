import type { Metric } from '../metric.js'

export const databaseBytes: Metric = {
  name: 'database_bytes',
  title: 'database size',
  help: 'Size of the whole database on disk, without the write-ahead log.',
  unit: 'bytes',
  window: 'all time',
  reads: 'pg_database',
  select: () => `
    SELECT pg_database_size(current_database()) AS "value"`,
}
