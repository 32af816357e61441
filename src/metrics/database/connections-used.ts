import type { Metric } from '../metric.js'

export const connectionsUsed: Metric = {
  name: 'connections_used_ratio',
  title: 'connections used',
  help: 'Share of the connections of the server that are in use, of those that ordinary roles may use. At 100 % new ones are refused.',
  unit: 'ratio',
  window: 'all time',
  reads: 'pg_stat_activity',
  select: () => `
    SELECT count(*)::float8 / (current_setting('max_connections')::integer
      - current_setting('superuser_reserved_connections')::integer
      - coalesce(current_setting('reserved_connections', true)::integer, 0)) AS "value"
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.backend_type = 'client backend' OR a.query = '<insufficient privilege>' AND a.datid IS NOT NULL`,
}
