import type { Metric } from '../metric.js'
import { chatTables, overPartitions } from './tables.js'

export const indexBytes: Metric = {
  name: 'index_bytes',
  title: 'index size',
  help: 'Size of an index. If it grows while its table does not: REINDEX INDEX CONCURRENTLY.',
  unit: 'bytes',
  window: 'all time',
  labels: ['table', 'index'],
  reads: 'pg_index',
  select: (names) => `
    SELECT t.relname::text AS "table", x.relname::text AS "index", ${overPartitions('sum', (oid) => `pg_relation_size(${oid})`, 'x.oid')} AS "value"
    FROM ${chatTables(names)} AS t
    JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    ORDER BY 1, 2`,
}
