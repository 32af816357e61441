import { IS_ARCHIVER, IS_SUBSCRIBER, RECEIVER_NAME, REPLAY_LAG_S } from './receivers-sql.js'

/** A standby, or another receiver of WAL, which is connected to the server. */
export interface Standby {
  readonly name: string
  /** Whether commits wait for it; false also where this role may not see it. */
  readonly isSynchronous: boolean
  /** As in pg_stat_replication; null when this role may not see it. */
  readonly syncState: 'sync' | 'quorum' | 'potential' | 'async' | null
  /** A subscriber, which receives rows and is no copy of the server. */
  readonly isSubscriber: boolean
  /** It stores WAL and replays none, as pg_receivewal does. */
  readonly isArchiver: boolean
  /** In seconds, until it shows what is committed here; null when it has nothing to replay, or this role may not see it. */
  readonly lagS: number | null
  /** What it does not have on disk: the seconds since that was committed, and its bytes of WAL; null also where it does not say. */
  readonly missingS: number | null
  readonly missingBytes: number | null
}

export interface ReplicationSlot {
  readonly name: string
  readonly isActive: boolean
  /** As in pg_replication_slots; null for a slot that was never used. */
  readonly walStatus: 'reserved' | 'extended' | 'unreserved' | 'lost' | null
  /** Bytes of WAL that the server keeps for it. */
  readonly keptBytes: number | null
  /** In seconds; null when it is active, and before PostgreSQL 17. */
  readonly inactiveS: number | null
  /** Null when it is valid, and before PostgreSQL 17. */
  readonly invalidationReason: string | null
}

/** How far a standby is behind. */
export interface StandbyState {
  readonly isStandby: boolean
  /** In seconds; null on a primary, and before a standby has replayed a transaction. */
  readonly behindS: number | null
  /** A standby has lost the connection to its primary. */
  readonly isDetached: boolean
}

/** Who else has what is committed on a server. */
export interface ReplicationState extends StandbyState {
  readonly standbys: readonly Standby[]
  readonly slots: readonly ReplicationSlot[]
  /** The setting `synchronous_standby_names`. */
  readonly standbyNames: string
  /** `max_slot_wal_keep_size` in bytes; null without a limit. */
  readonly mostKeptBytes: number | null
}

/** Whether it can take the place of the server. */
export const isCopy = ({ isSubscriber, isArchiver }: Standby): boolean => !isSubscriber && !isArchiver

export const standbyStateOf = ({ isStandby, behindS, isDetached }: StandbyState): StandbyState => ({
  ...{ isStandby, behindS, isDetached },
})

/** SQL for the columns of `StandbyState`. */
export const STANDBY_COLUMNS = `pg_is_in_recovery() AS "isStandby",
    CASE
      WHEN NOT pg_is_in_recovery() THEN NULL
      WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      WHEN pg_last_xact_replay_timestamp() IS NULL THEN NULL
      ELSE greatest(0, round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())))::float
    END AS "behindS",
    pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) AS "isDetached"`

const END_OF_WAL = `CASE WHEN pg_is_in_recovery()
      THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END`

/** SQL for a JSON array of `Standby`, the one that is furthest behind first. A base backup is none. */
export const STANDBYS = `
      SELECT coalesce(json_agg(json_build_object('name', ${RECEIVER_NAME},
        'isSynchronous', coalesce(r.sync_state IN ('sync', 'quorum'), false), 'syncState', r.sync_state,
        'isSubscriber', ${IS_SUBSCRIBER}, 'isArchiver', ${IS_ARCHIVER},
        'lagS', ${REPLAY_LAG_S}, 'missingS', extract(epoch FROM r.flush_lag),
        'missingBytes', CASE WHEN r.flush_lsn IS NOT NULL
          THEN greatest(0, pg_wal_lsn_diff(${END_OF_WAL}, r.flush_lsn)) END)
        ORDER BY ${REPLAY_LAG_S} DESC NULLS LAST, r.application_name), '[]')
      FROM pg_catalog.pg_stat_replication AS r WHERE r.state IS DISTINCT FROM 'backup'`

// Columns that older servers do not have are read from the row as JSON. A temporary slot ends with its session.
const SLOTS = `
      SELECT coalesce(json_agg(json_build_object('name', s.slot_name, 'isActive', s.active, 'walStatus', s.wal_status,
        'keptBytes', pg_wal_lsn_diff(${END_OF_WAL}, s.restart_lsn),
        'inactiveS', extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz),
        'invalidationReason', to_jsonb(s) ->> 'invalidation_reason') ORDER BY s.slot_name), '[]')
      FROM pg_catalog.pg_replication_slots AS s WHERE NOT s.temporary`

/** SQL for `ReplicationState` as JSON. */
export const REPLICATION = `
    SELECT row_to_json(r) FROM (
      SELECT ${STANDBY_COLUMNS}, (${STANDBYS}) AS "standbys", (${SLOTS}) AS "slots",
        current_setting('synchronous_standby_names') AS "standbyNames",
        (
          SELECT CASE WHEN g.setting <> '-1' THEN g.setting::float8 * 1048576 END
          FROM pg_catalog.pg_settings AS g WHERE g.name = 'max_slot_wal_keep_size'
        ) AS "mostKeptBytes"
    ) AS r`
