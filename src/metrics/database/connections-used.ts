import type { Metric } from '../metric.js'

export const connectionsUsed: Metric = {
  name: 'connections_used_ratio',
  title: 'connections used',
  help: 'Share of the connections of the server that are in use, of those that ordinary roles may use. At 100 % new ones are refused.',
  unit: 'ratio',
  window: 'all time',
  reads: 'pg_stat_activity',
  select: () => `
    SELECT count(*)::float8 / (
      SELECT max(s.setting::integer) FILTER (WHERE s.name = 'max_connections')
        - sum(s.setting::integer) FILTER (WHERE s.name <> 'max_connections')
      FROM pg_catalog.pg_settings AS s
      WHERE s.name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
    ) AS "value"
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.backend_type = 'client backend' OR a.query = '<insufficient privilege>' AND a.datid IS NOT NULL`,
}
