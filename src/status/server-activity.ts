import type { Blocker } from '../database/blockers.js'
import type { Queryable } from '../database/connection.js'
import {
  STANDBY_COLUMNS,
  STANDBYS,
  type Standby,
  type StandbyState,
} from '../database/replication/replication-state.js'
import { onlyRow } from '../database/rows.js'
import { blockerJson } from '../database/waiting/blocker-sql.js'

/** Sessions in use of those that ordinary roles can have. */
export interface Connections {
  readonly used: number
  readonly allowed: number
  /** Whose limit is nearest. */
  readonly limitOf: 'server' | 'database'
}

/** Sessions of `chatkeep serve` from one address. */
export interface ServeSessions {
  /** Null when this role may not see it. */
  readonly address: string | null
  readonly sessions: number
}

/** The server as its own views show it at one moment. No table of the application is read. */
export interface ServerActivity extends StandbyState {
  readonly now: Date
  readonly version: string
  readonly standbys: readonly Standby[]
  /** The setting `synchronous_standby_names`. */
  readonly standbyNames: string
  readonly connections: Connections
  /** The oldest transaction in this database, a prepared one included. */
  readonly oldestTransaction: Blocker | null
  /** Sessions whose commit waits for a synchronous standby. */
  readonly waitingForStandby: number
  readonly servers: readonly ServeSessions[]
  /** This role may not see what the sessions of other roles do. */
  readonly isHidden: boolean
}

/** @param ignored what the names of sessions begin with that are not meant, such as the caller's own */
export const readServerActivity = async (client: Queryable, ignored: string): Promise<ServerActivity> =>
  onlyRow(await client.query<ServerActivity>(SELECT_ACTIVITY, [ignored]))

// Sessions of roles that the caller may not see have no backend_type; those of the server itself have no role either.
const SELECT_ACTIVITY = `
  WITH clients AS MATERIALIZED (
    SELECT *, backend_type IS NULL AS "isHidden" FROM pg_catalog.pg_stat_activity
    WHERE coalesce(backend_type = 'client backend', usename IS NOT NULL AND datname IS NOT NULL)
  ), sessions AS MATERIALIZED (
    SELECT * FROM clients WHERE pid <> pg_backend_pid() AND NOT starts_with(application_name, $1)
  ), limits AS (
    SELECT 'server' AS "limitOf", (SELECT count(*)::int4 FROM clients) AS "used",
      current_setting('max_connections')::int4 - current_setting('superuser_reserved_connections')::int4
        - coalesce(current_setting('reserved_connections', true), '0')::int4 AS "allowed"
    UNION ALL
    SELECT 'database', (SELECT count(*)::int4 FROM clients WHERE datname = current_database()), datconnlimit
    FROM pg_catalog.pg_database WHERE datname = current_database() AND datconnlimit > 0
  )
  SELECT clock_timestamp() AS "now", split_part(current_setting('server_version'), ' ', 1) AS "version",
    ${STANDBY_COLUMNS},
    (${STANDBYS}) AS "standbys", current_setting('synchronous_standby_names') AS "standbyNames",
    (SELECT row_to_json(l) FROM limits AS l ORDER BY used::float / greatest(allowed, 1) DESC LIMIT 1) AS "connections",
    (
      SELECT ${blockerJson('coalesce(a.pid, 0)')}
      FROM (SELECT * FROM sessions WHERE datname = current_database() AND xact_start IS NOT NULL) AS a
      FULL JOIN (SELECT * FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()) AS p ON false
      ORDER BY coalesce(a.xact_start, p.prepared) LIMIT 1
    ) AS "oldestTransaction",
    (SELECT count(*)::int4 FROM sessions WHERE wait_event = 'SyncRep') AS "waitingForStandby",
    (
      SELECT coalesce(json_agg(json_build_object('address', s.address, 'sessions', s.sessions) ORDER BY s.address), '[]')
      FROM (
        SELECT CASE WHEN NOT "isHidden" THEN coalesce(host(client_addr), 'a local socket') END AS "address",
          count(*)::int4 AS "sessions"
        FROM sessions WHERE datname = current_database() AND starts_with(application_name, 'chatkeep serve') GROUP BY 1
      ) AS s
    ) AS "servers",
    EXISTS (SELECT FROM sessions WHERE "isHidden") AS "isHidden"`
