import { or, sql, type Next } from '../../next-step.js'

/** Connections in use, and how many there may be. */
export interface ConnectionsUsed {
  readonly used: number
  readonly allowed: number
}

/** From this share on, few connections are left. */
const NEARLY_USED = 0.9

/** How many may be in use before few are left. */
export const mostConnections = ({ allowed }: Pick<ConnectionsUsed, 'allowed'>): number =>
  Math.ceil(allowed * NEARLY_USED)

export const areNearlyUsed = ({ used, allowed }: ConnectionsUsed): boolean => used >= allowed * NEARLY_USED

/** What to do when few connections are left. */
export const freeConnections = ({ allowed }: Pick<ConnectionsUsed, 'allowed'>): Next => [
  sql(
    'SELECT datname, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC',
    'see who has them',
  ),
  'end idle sessions, or give the application a pooler',
  or(sql(`ALTER SYSTEM SET max_connections = ${2 * allowed}`, 'raise the limit; it needs a restart')),
]
