import type { Queryable } from '../../database/connection.js'
import { commitWaitOf, type CommitWait } from '../../database/replication/commit-wait.js'
import { REPLICATION, type ReplicationState } from '../../database/replication/replication-state.js'
import { onlyRow } from '../../database/rows.js'

/** A setting of this session and its source, as in pg_settings. */
export interface ServerSetting {
  readonly value: string
  readonly source: string
}

/** A setting for new sessions. */
export interface RoleSetting {
  /** Null for every role. */
  readonly role: string | null
  /** Whether it applies only to this database. */
  readonly inDatabase: boolean
  readonly value: string
}

/** The most specific setting wins: role in database, role, database, all. */
export const effectiveSetting = (role: string, settings: readonly RoleSetting[]): RoleSetting | undefined => {
  const rank = (setting: RoleSetting): number => (setting.role === null ? 0 : 2) + (setting.inDatabase ? 1 : 0)
  return settings
    .filter((setting) => setting.role === null || setting.role === role)
    .toSorted((a, b) => rank(b) - rank(a))[0]
}

/**
 * What a commit of the store waits for.
 * @param role that of the application; undefined for that of the session
 */
export const commitWaitIn = (
  { synchronousCommit, commitSettings }: Pick<ServerFacts, 'synchronousCommit' | 'commitSettings'>,
  role?: string,
): CommitWait => {
  const ofRole = role === undefined ? undefined : effectiveSetting(role, commitSettings)
  return commitWaitOf((ofRole ?? synchronousCommit).value)
}

/** Facts about the server and the schema, including objects of chatkeep. */
export interface ServerFacts {
  readonly serverVersion: string
  readonly fsync: ServerSetting
  readonly synchronousCommit: ServerSetting
  readonly fullPageWrites: ServerSetting
  /** The zone of new sessions of this role, and whether its time is UTC all year. */
  readonly timeZone: { readonly value: string; readonly isUtc: boolean }
  /** Settings of synchronous_commit for databases and roles that affect sessions in this database. */
  readonly commitSettings: readonly RoleSetting[]
  /** Name of the session's user. */
  readonly user: string
  /** Encoding of the database, e.g. `UTF8`. */
  readonly encoding: string
  readonly schemaExists: boolean
  /** UNLOGGED tables of the application, which a crash empties. */
  readonly unloggedTables: readonly string[]
  /** Triggers on "ChatMessage" whose names start with `chatkeep_`. */
  readonly ownTriggers: readonly string[]
  /** Sessions of a running migrate or rollback, as `chatkeep migrate (pid 17)`. */
  readonly runningChanges: readonly string[]
  readonly replication: ReplicationState
}

// One statement saves round trips to a server that may be far away.
const SELECT_SERVER_FACTS = String.raw`
  SELECT current_setting('server_version') AS "serverVersion",
    (SELECT json_build_object('value', setting, 'source', source)
     FROM pg_catalog.pg_settings WHERE name = 'fsync') AS "fsync",
    (SELECT json_build_object('value', setting, 'source', source)
     FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit') AS "synchronousCommit",
    (SELECT json_build_object('value', setting, 'source', source)
     FROM pg_catalog.pg_settings WHERE name = 'full_page_writes') AS "fullPageWrites",
    (SELECT json_build_object('value', reset_val, 'isUtc',
       timestamptz '2026-01-01 00:00Z' AT TIME ZONE reset_val = timestamp '2026-01-01 00:00'
       AND timestamptz '2026-07-01 00:00Z' AT TIME ZONE reset_val = timestamp '2026-07-01 00:00')
     FROM pg_catalog.pg_settings WHERE name = 'TimeZone') AS "timeZone",
    (
      SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'inDatabase', s.setdatabase <> 0,
        'value', split_part(c.setting, '=', 2)) ORDER BY r.rolname, s.setdatabase), '[]')
      FROM pg_catalog.pg_db_role_setting AS s
      CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
      LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
      WHERE c.setting LIKE 'synchronous\_commit=%'
        AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()))
    ) AS "commitSettings",
    session_user::text AS "user",
    current_setting('server_encoding') AS "encoding",
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS "schemaExists",
    ARRAY(
      SELECT c.relname::text
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relpersistence <> 'p' AND c.relname IN ('ChatMessage', 'Client', 'User')
      ORDER BY 1
    ) AS "unloggedTables",
    ARRAY(
      SELECT t.tgname::text
      FROM pg_catalog.pg_trigger AS t
      JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = 'ChatMessage' AND t.tgname LIKE 'chatkeep\_%'
      ORDER BY 1
    ) AS "ownTriggers",
    ARRAY(
      SELECT a.application_name || ' (pid ' || a.pid || ')'
      FROM pg_catalog.pg_stat_activity AS a
      WHERE a.datname = current_database() AND a.application_name ~ '^chatkeep (migrate|rollback)(?! --dry-run)'
      ORDER BY a.pid
    ) AS "runningChanges",
    (${REPLICATION}) AS "replication"`

export const readServerFacts = async (client: Queryable, schema: string): Promise<ServerFacts> =>
  onlyRow(await client.query<ServerFacts>(SELECT_SERVER_FACTS, [schema]))
