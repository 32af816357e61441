import { or, sql, type Next } from '../../next-step.js'
import type { ReplicationState } from './replication-state.js'
import { parseStandbyNames } from './standby-names.js'

/** Who a commit waits for, and whether they are there. */
export type SynchronousState =
  | { readonly kind: 'nobody' }
  /** This role may not see whether the standbys that are connected are waited for. */
  | { readonly kind: 'hidden' }
  | {
      readonly kind: 'named'
      readonly needed: number
      /** Those that a commit can wait for. */
      readonly attached: number
      /** How many names there are; null when any standby will do. */
      readonly named: number | null
      /** Names that nobody is connected by. */
      readonly missing: readonly string[]
    }

export const synchronousState = ({
  standbyNames,
  standbys,
}: Pick<ReplicationState, 'standbyNames' | 'standbys'>): SynchronousState => {
  const awaited = parseStandbyNames(standbyNames)
  if (awaited === undefined) return { kind: 'nobody' }
  const connected = standbys.map(({ name }) => name.toLowerCase())
  const isAny = awaited.names.includes('*')
  // Names are shown to every role, so it is certain when too few are connected.
  const possible = connected.filter((name) => isAny || awaited.names.includes(name)).length
  if (possible >= awaited.needed && standbys.some(({ syncState }) => syncState === null)) return { kind: 'hidden' }
  return {
    kind: 'named',
    needed: awaited.needed,
    attached: standbys.filter(({ isSynchronous }) => isSynchronous).length,
    named: isAny ? null : awaited.names.length,
    missing: awaited.names.filter((name) => name !== '*' && !connected.includes(name)),
  }
}

/** What to do when every commit waits for standbys that are not there. */
export const STANDBYS_AWAITED: Next = [
  'start the standby that synchronous_standby_names names',
  or(
    sql(
      ["ALTER SYSTEM SET synchronous_standby_names = ''", 'SELECT pg_reload_conf()'],
      'do without it, and lose with this server what only it has',
    ),
  ),
]

/** How to see who receives WAL, and how far each is. */
export const SEE_STANDBYS = 'SELECT * FROM pg_stat_replication;'
