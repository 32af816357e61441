import { escapeIdentifier } from '../../database/identifier.js'
import type { Queryable } from '../../database/connection.js'
import { IS_STANDBY, RECEIVER_NAME, REPLAY_LAG_S } from '../../database/replication/receivers-sql.js'
import type { Standby } from '../../database/replication/replication-state.js'
import { onlyRow } from '../../database/rows.js'
import { sql } from '../../next-step.js'
import type { Obstacle } from './obstacle.js'

const MOST_SHOWN = 10

// Of another role's connection, a role without pg_read_all_stats sees the name only.
const SELECT_STANDBYS = `
  SELECT ${RECEIVER_NAME} AS "name", r.sync_state AS "syncState",
    coalesce(r.sync_state IN ('sync', 'quorum'), false) AS "isSynchronous", coalesce(r.state = 'catchup', false) AS "isCatchingUp",
    ${REPLAY_LAG_S} AS "lagS", r.backend_xmin IS NOT NULL AS "hasFeedback"
  FROM pg_catalog.pg_stat_replication AS r
  WHERE ${IS_STANDBY}
  ORDER BY r.replay_lag DESC NULLS LAST, 1
  LIMIT ${MOST_SHOWN}`

/** What the notes say of a standby. */
export interface PlannedStandby extends Pick<Standby, 'name' | 'isSynchronous' | 'syncState' | 'lagS'> {
  readonly isCatchingUp: boolean
  /** It keeps the primary from removing rows that its queries may need. */
  readonly hasFeedback: boolean
}

// For everybody, for a role or for a database.
const SELECT_SETTING = `
  SELECT current_setting('synchronous_commit') = 'remote_apply' OR EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting WHERE 'synchronous_commit=remote_apply' = ANY (setconfig)) AS "remoteApply", current_user::text AS "role"`

interface Setting {
  /** Somebody's commits wait until synchronous standbys have replayed them. */
  readonly remoteApply: boolean
  readonly role: string
}

/** What the notes on standbys depend on. */
export interface StandbyQuestion {
  /** How far a standby may be behind before the run waits. */
  readonly maxLagMs: number
  /** Whether the plan takes ACCESS EXCLUSIVE: standbys replay that lock, and no other. */
  readonly locksReaders: boolean
}

/** Reads who waits for the plan on the standbys, and which of them the plan waits for. */
export const readStandbys = async (client: Queryable, question: StandbyQuestion): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<PlannedStandby>(SELECT_STANDBYS)
  if (rows.length === 0) return []
  return standbyObstacles(rows, { ...question, ...onlyRow(await client.query<Setting>(SELECT_SETTING)) })
}

export const standbyObstacles = (
  standbys: readonly PlannedStandby[],
  { maxLagMs, locksReaders, remoteApply, role }: StandbyQuestion & Setting,
): readonly Obstacle[] => [
  ...standbys.flatMap((standby) => laggingObstacle(standby, maxLagMs)),
  ...hiddenNote(
    standbys.filter(({ syncState }) => syncState === null),
    role,
  ),
  ...(locksReaders ? [locksNote(standbys, remoteApply)] : []),
]

const laggingObstacle = (
  { name, isCatchingUp, lagS, hasFeedback }: PlannedStandby,
  maxLagMs: number,
): readonly Obstacle[] => {
  if (!isCatchingUp && (lagS ?? 0) * 1_000 <= maxLagMs) return []
  const state = isCatchingUp || lagS === null ? 'is catching up' : `is ${lagS} s behind`
  return [
    {
      code: 'standby_lags',
      effect: 'waits',
      text: `standby ${name} ${state}${hasFeedback ? ' and sends hot standby feedback' : ''}: the run waits until that is less than ${maxLagMs / 1_000} s (--max-replica-lag), and ends with exit code 4 after --max-wait`,
    },
  ]
}

const hiddenNote = (hidden: readonly PlannedStandby[], role: string): readonly Obstacle[] =>
  hidden.length === 0
    ? []
    : [
        {
          code: 'standby_lag_unknown',
          effect: 'note',
          text: `this role may not see how far ${namesOf(hidden)} ${hidden.length === 1 ? 'is' : 'are'} behind, so the run does not wait for ${hidden.length === 1 ? 'it' : 'them'}`,
          next: sql(`GRANT pg_monitor TO ${escapeIdentifier(role)}`, 'as a superuser, to change that'),
        },
      ]

// The time that a standby gives its queries is its own setting, which the primary does not know.
const locksNote = (standbys: readonly PlannedStandby[], remoteApply: boolean): Obstacle => {
  const synchronous = standbys.filter(({ isSynchronous }) => isSynchronous)
  const commits =
    remoteApply && synchronous.length > 0
      ? `; as long, every commit with synchronous_commit = remote_apply waits for ${namesOf(synchronous)}`
      : ''
  return {
    code: 'standby_replays_locks',
    effect: 'note',
    text: `${namesOf(standbys)} ${standbys.length === 1 ? 'replays' : 'replay'} each ACCESS EXCLUSIVE lock: queries there that hold the table delay the replay by up to max_standby_streaming_delay of the standby, then they are cancelled; later ones wait meanwhile${commits}`,
  }
}

const namesOf = (standbys: readonly PlannedStandby[]): string => standbys.map(({ name }) => name).join(', ')
