import { IS_ARCHIVER } from '../../database/replication/receivers-sql.js'
import type { Metric } from '../metric.js'

export const replicationLag: Metric = {
  name: 'replication_lag_seconds',
  title: 'replication lag',
  help: 'How far a standby is behind in replaying what was committed here; on a standby, that of this server. Unknown to a role without pg_monitor.',
  unit: 'seconds',
  window: 'all time',
  labels: ['standby'],
  reads: 'pg_stat_replication',
  select: () => `
    SELECT coalesce(nullif(r.application_name, ''), 'unknown') AS "standby",
      CASE WHEN bool_and(r.state IS NOT NULL) THEN max(
        CASE WHEN r.replay_lsn >= (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END) THEN 0
        ELSE extract(epoch FROM r.replay_lag) END
      ) END AS "value"
    FROM pg_catalog.pg_stat_replication AS r
    WHERE NOT (${IS_ARCHIVER})
    GROUP BY 1
    UNION ALL
    SELECT 'this server', CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
    WHERE pg_is_in_recovery()
    ORDER BY 1`,
}
