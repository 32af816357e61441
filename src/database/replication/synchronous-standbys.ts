import { or, sql, type Next } from '../../next-step.js'
import { isCopy, type ReplicationState, type Standby } from './replication-state.js'
import { parseStandbyNames } from './standby-names.js'

/** How much of what a commit waits for can take the place of the server. */
interface AwaitedCopies {
  /** How many copies of the server certainly have a commit when it ends; where they are hidden, at most. */
  readonly copies: number
  /** Names of receivers that can confirm a commit, and are no copy of the server. */
  readonly others: readonly string[]
}

/** Who a commit waits for, and whether they are there. */
export type SynchronousState =
  | { readonly kind: 'nobody' }
  /** This role may not see whether the standbys that are connected are waited for. */
  | ({ readonly kind: 'hidden' } & AwaitedCopies)
  | ({
      readonly kind: 'named'
      readonly needed: number
      /** Those that a commit can wait for. */
      readonly attached: number
      /** How many names there are; null when any standby will do. */
      readonly named: number | null
      /** Names that nobody is connected by. */
      readonly missing: readonly string[]
    } & AwaitedCopies)

export const synchronousState = ({
  standbyNames,
  standbys,
}: Pick<ReplicationState, 'standbyNames' | 'standbys'>): SynchronousState => {
  const awaited = parseStandbyNames(standbyNames)
  if (awaited === undefined) return { kind: 'nobody' }
  const connected = standbys.map(({ name }) => name.toLowerCase())
  const isAny = awaited.names.includes('*')
  // Names are shown to every role, so it is certain when too few are connected.
  const possible = standbys.filter(({ name }) => isAny || awaited.names.includes(name.toLowerCase()))
  if (possible.length >= awaited.needed && standbys.some(({ syncState }) => syncState === null))
    return { kind: 'hidden', copies: possible.filter(isCopy).length, others: namesOfOthers(possible) }
  const attached = standbys.filter(({ isSynchronous }) => isSynchronous)
  const others = namesOfOthers(attached)
  return {
    kind: 'named',
    needed: awaited.needed,
    attached: attached.length,
    named: isAny ? null : awaited.names.length,
    missing: awaited.names.filter((name) => name !== '*' && !connected.includes(name)),
    copies: Math.max(0, awaited.needed - others.length),
    others,
  }
}

const namesOfOthers = (receivers: readonly Standby[]): readonly string[] =>
  receivers.filter((receiver) => !isCopy(receiver)).map(({ name }) => name)

/** Why a commit that was waited for may be on no copy of the server. */
export const describeOthers = ({ others }: AwaitedCopies): string =>
  `a commit can be confirmed by ${others.join(', ')}, which ${others.length === 1 ? 'is no copy' : 'are no copies'} of the server`

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
