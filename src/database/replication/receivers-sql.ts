/** SQL for the name of a receiver of WAL, `r` of pg_stat_replication. */
export const RECEIVER_NAME = `coalesce(nullif(r.application_name, ''), 'pid ' || r.pid)`

/** SQL for whether `r` receives rows, as a subscriber does. */
export const IS_SUBSCRIBER = `EXISTS (
        SELECT FROM pg_catalog.pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')`

/**
 * SQL for whether `r` stores WAL and replays none, as pg_receivewal and pg_basebackup do: unlike a standby it never reports how far
 * it has replayed. Before the first report, and for a role that may not see it, the name of the program tells.
 */
export const IS_ARCHIVER = `coalesce(r.state = 'backup' OR r.write_lsn IS NOT NULL AND r.replay_lsn IS NULL
        OR r.application_name IN ('pg_receivewal', 'pg_basebackup'), false) AND NOT ${IS_SUBSCRIBER}`

/** SQL for whether `r` is a standby. */
export const IS_STANDBY = `NOT (${IS_ARCHIVER}) AND NOT ${IS_SUBSCRIBER}`

/** SQL for the seconds until `r` shows what is committed here; null for one that replays nothing, whose lag grows for ever. */
export const REPLAY_LAG_S = `CASE WHEN NOT (${IS_ARCHIVER}) THEN round(extract(epoch FROM r.replay_lag))::integer END`
