import { escapeIdentifier } from '../../database/identifier.js'
import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { sql } from '../../next-step.js'
import type { Obstacle } from './obstacle.js'

const MOST_SHOWN = 10

// Of another role's connection, a role without pg_read_all_stats sees the name only.
const SELECT_STANDBYS = `
  SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) AS "name",
    r.state IS NULL AS "hidden", r.sync_state IN ('sync', 'quorum') AS "synchronous", r.state = 'catchup' AS "catchingUp",
    round(extract(epoch FROM r.replay_lag))::integer AS "lagS", r.backend_xmin IS NOT NULL AS "feedback"
  FROM pg_catalog.pg_stat_replication AS r
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
  ORDER BY r.replay_lag DESC NULLS LAST, 1
  LIMIT ${MOST_SHOWN}`

export interface Standby {
  readonly name: string
  /** This role may not see more of it than its name. */
  readonly hidden: boolean
  readonly synchronous: boolean | null
  readonly catchingUp: boolean | null
  readonly lagS: number | null
  /** It keeps the primary from removing rows that its queries may need. */
  readonly feedback: boolean
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
  const { rows } = await client.query<Standby>(SELECT_STANDBYS)
  if (rows.length === 0) return []
  return standbyObstacles(rows, { ...question, ...onlyRow(await client.query<Setting>(SELECT_SETTING)) })
}

export const standbyObstacles = (
  standbys: readonly Standby[],
  { maxLagMs, locksReaders, remoteApply, role }: StandbyQuestion & Setting,
): readonly Obstacle[] => [
  ...standbys.flatMap((standby) => laggingObstacle(standby, maxLagMs)),
  ...hiddenNote(
    standbys.filter(({ hidden }) => hidden),
    role,
  ),
  ...(locksReaders ? [locksNote(standbys, remoteApply)] : []),
]

const laggingObstacle = ({ name, catchingUp, lagS, feedback }: Standby, maxLagMs: number): readonly Obstacle[] => {
  if (catchingUp !== true && (lagS ?? 0) * 1_000 <= maxLagMs) return []
  const state = catchingUp === true || lagS === null ? 'is catching up' : `is ${lagS} s behind`
  return [
    {
      code: 'standby_lags',
      effect: 'waits',
      text: `standby ${name} ${state}${feedback ? ' and sends hot standby feedback' : ''}: the run waits until that is less than ${maxLagMs / 1_000} s (--max-replica-lag), and ends with exit code 4 after --max-wait`,
    },
  ]
}

const hiddenNote = (hidden: readonly Standby[], role: string): readonly Obstacle[] =>
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
const locksNote = (standbys: readonly Standby[], remoteApply: boolean): Obstacle => {
  const synchronous = standbys.filter((standby) => standby.synchronous === true)
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

const namesOf = (standbys: readonly Standby[]): string => standbys.map(({ name }) => name).join(', ')
