import type { Metric } from '../metric.js'
import { chatTables } from './tables.js'

export const invalidIndexes: Metric = {
  name: 'invalid_indexes',
  title: 'invalid indexes',
  help: "Indexes of the chat's tables that slow writes and answer no query. Not 0: chatkeep migrate rebuilds them.",
  unit: 'count',
  window: 'all time',
  reads: 'pg_index',
  select: (names) => `
    SELECT count(*) AS "value"
    FROM ${chatTables(names)} AS t
    JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
    WHERE NOT i.indisvalid
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)`,
}
