import type { Queryable } from '../database/connection.js'
import { STANDBY_COLUMNS, type StandbyState } from '../database/replication/replication-state.js'
import { onlyRow } from '../database/rows.js'

/** What is known of the server. */
export interface ServerState extends StandbyState {
  readonly version: string
  /** Connections to databases of the server, and how many it takes from roles without privileges. */
  readonly connectionsUsed: number
  readonly connectionsAllowed: number
  /** Limits of this database and of this role; null without one. */
  readonly databaseLimit: number | null
  readonly roleLimit: number | null
  /** Connected standbys for which a commit waits; null where the role may not see them. */
  readonly synchronousStandbys: number | null
}

const SELECT_STATE = `
  SELECT current_setting('server_version') AS "version",
    ${STANDBY_COLUMNS},
    (SELECT coalesce(sum(numbackends), 0)::integer FROM pg_catalog.pg_stat_database) AS "connectionsUsed",
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
      - coalesce(current_setting('reserved_connections', true), '0')::integer AS "connectionsAllowed",
    (SELECT nullif(datconnlimit, -1) FROM pg_catalog.pg_database WHERE datname = current_database()) AS "databaseLimit",
    (SELECT nullif(rolconnlimit, -1) FROM pg_catalog.pg_roles WHERE rolname = session_user) AS "roleLimit",
    CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN
      (SELECT count(*)::integer FROM pg_catalog.pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
    END AS "synchronousStandbys"`

export const readServerState = async (client: Queryable): Promise<ServerState> =>
  onlyRow(await client.query<ServerState>(SELECT_STATE))
