import type { Queryable } from '../database/connection.js'
import { duration } from '../terminal/render.js'

/** The settings of the server that matter here, by what they concern; `others` are shown only in full. */
export const SETTING_GROUPS = {
  durability: ['fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names'],
  'time-outs': [
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'idle_session_timeout',
    'transaction_timeout',
    'client_connection_check_interval',
  ],
  text: ['DateStyle', 'TimeZone'],
  names: ['search_path'],
  access: ['row_security', 'default_transaction_read_only'],
  server: ['server_encoding', 'wal_level'],
  others: [
    'IntervalStyle',
    'lc_messages',
    'default_transaction_isolation',
    'deadlock_timeout',
    'max_connections',
    'superuser_reserved_connections',
    'reserved_connections',
    'ssl',
  ],
} as const

export type SettingGroup = keyof typeof SETTING_GROUPS

/** A setting as new sessions of this role have it. */
export interface ServerSetting {
  readonly name: string
  readonly value: string
  /** As in pg_settings: `default`, `configuration file`, `database`, `user` … */
  readonly source: string
  /** Whether a restart of the server is needed until the configured value is in force. */
  readonly isPending: boolean
}

interface SettingRow {
  readonly name: string
  readonly value: string
  readonly bootValue: string | null
  readonly unit: string | null
  readonly source: string
  readonly isPending: boolean
  /** Of ALTER ROLE and ALTER DATABASE, the one that counts. */
  readonly roleSource: string | null
}

const SELECT_SETTINGS = `
  SELECT s.name, s.reset_val AS "value", s.boot_val AS "bootValue", s.unit, s.source, s.pending_restart AS "isPending",
    (
      SELECT CASE WHEN r.setrole = 0 THEN CASE WHEN r.setdatabase = 0 THEN 'global' ELSE 'database' END
        WHEN r.setdatabase = 0 THEN 'user' ELSE 'database user' END
      FROM pg_catalog.pg_db_role_setting AS r
      CROSS JOIN LATERAL unnest(r.setconfig) AS c (setting)
      WHERE lower(split_part(c.setting, '=', 1)) = lower(s.name)
        AND r.setrole IN (0, (SELECT u.oid FROM pg_catalog.pg_roles AS u WHERE u.rolname = session_user))
        AND r.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()))
      ORDER BY r.setrole <> 0 DESC, r.setdatabase <> 0 DESC
      LIMIT 1
    ) AS "roleSource"
  FROM pg_catalog.pg_settings AS s
  WHERE s.name = ANY ($1)`

/** @param options those of the connection, which may set some */
export const readServerSettings = async (
  client: Queryable,
  options: string | undefined,
): Promise<readonly ServerSetting[]> => {
  const names = Object.values(SETTING_GROUPS).flat()
  const { rows } = await client.query<SettingRow>(SELECT_SETTINGS, [names])
  return names.flatMap((name) => rows.filter((row) => row.name === name).map((row) => toSetting(row, options)))
}

/** Our own session has pinned some settings; the values of others are what a reset would give. */
export const toSetting = (row: SettingRow, options: string | undefined): ServerSetting => ({
  name: row.name,
  value: shownValue(row),
  source: row.source === 'session' ? sourceBehindPin(row, options) : row.source,
  isPending: row.isPending,
})

const sourceBehindPin = ({ name, value, bootValue, roleSource }: SettingRow, options = ''): string => {
  if (new RegExp(`(?:-c\\s*|--)${name}=`, 'i').test(options)) return 'client'
  if (roleSource !== null) return roleSource
  return value === bootValue ? 'default' : 'configuration file'
}

const shownValue = ({ value, unit }: SettingRow): string => {
  if (unit !== 'ms') return value
  return value === '0' ? 'none' : duration(Number(value))
}
