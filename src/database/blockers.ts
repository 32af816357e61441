import { describeAge } from '../terminal/age.js'
import { again, or, sql, type Next, type NextStep } from '../next-step.js'

/** A session that blocks ours. */
export interface Blocker {
  /** 0 for a prepared transaction, which has no session. */
  readonly pid: number
  /** Null if this role cannot see it; so are the others. */
  readonly user: string | null
  readonly application: string | null
  /** From pg_stat_activity, such as `idle in transaction`. */
  readonly state: string | null
  /** Start of its transaction. */
  readonly since: string | null
  /** Age of its transaction in seconds. */
  readonly transactionS: number | null
  /** Null unless requested: it may contain personal data. */
  readonly query: string | null
}

/** What a statement waited for, and who held it. */
export interface Blockage {
  readonly what: string
  readonly blockers: readonly Blocker[]
}

/** What a concurrent index build waits for. */
export const OLDER_TRANSACTIONS = 'older transactions to end'

export const MIGRATION_LOCK = 'the migration lock'

/** Its key, that of postgres-migrations, which also keeps out direct users of that library. */
export const MIGRATION_LOCK_KEY = '-8525285245963000605'

/** Nobody saw who it was. */
export const UNKNOWN_BLOCKAGE: Blockage = { what: 'a table', blockers: [] }

const blockages = new WeakMap<object, Blockage>()

/** Notes who blocked the statement that failed with this error. */
export const noteBlockage = (error: unknown, blockage: Blockage | undefined): void => {
  if (typeof error === 'object' && error !== null && blockage !== undefined) blockages.set(error, blockage)
}

/** Who blocked the statement that failed with this error when last seen; undefined if no blocker was seen. */
export const blockageBehind = (error: unknown): Blockage | undefined =>
  typeof error === 'object' && error !== null ? blockages.get(error) : undefined

/** What is locked, and by whom. */
export const describeBlockage = ({ what, blockers }: Blockage): string =>
  blockers.length === 0 ? `${what} is locked` : `${what} is locked by ${describeBlockers(blockers)}`

const MOST_SHOWN = 3

/** Describes blocking sessions in their given order, the first three by name. */
export const describeBlockers = (blockers: readonly Blocker[]): string => {
  const shown = blockers.slice(0, MOST_SHOWN).map(describeBlocker)
  const more = blockers.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** Describes a session: `pid 17 (psql, as admin, idle in transaction for 5 min)`. */
export const describeBlocker = (blocker: Blocker): string => {
  const { pid, user, application, state, transactionS, query } = blocker
  if (pid === 0)
    return `${application ?? 'a prepared transaction'} (as ${user ?? '?'}${transactionS === null ? '' : `, for ${describeAge(transactionS)}`})`
  if (application === AUTOVACUUM) return describeAutovacuum(pid, transactionS)
  const facts = [
    application === '' ? null : application,
    user === null ? null : `as ${user}`,
    isHidden(blocker) ? 'state hidden from this role' : describeTransaction(state, transactionS),
    query === null ? null : `query: ${query.replaceAll(/\s+/g, ' ')}`,
  ].filter((fact) => fact !== null)
  return facts.length === 0 ? `pid ${pid}` : `pid ${pid} (${facts.join(', ')})`
}

/** Whether this role may not see what the session does. */
const isHidden = ({ pid, application, state, transactionS }: Blocker): boolean =>
  pid !== 0 && application !== AUTOVACUUM && state === null && transactionS === null

/** The `backend_type` of autovacuum in pg_stat_activity, which has no application_name. */
export const AUTOVACUUM = 'autovacuum worker'

/** Autovacuum by name: it is no session of anybody. */
export const describeAutovacuum = (pid: number, runsS: number | null): string =>
  `autovacuum (pid ${pid}${runsS === null ? '' : `, running for ${describeAge(runsS)}`})`

const describeTransaction = (state: string | null, seconds: number | null): string | null => {
  if (seconds === null) return state
  if (state === null) return `in a transaction for ${describeAge(seconds)}`
  return state.includes('in transaction')
    ? `${state} for ${describeAge(seconds)}`
    : `${state}, in a transaction for ${describeAge(seconds)}`
}

/** How to end what blocks, and then the command that was typed. */
export const endBlockers = (blockers: readonly Blocker[]): readonly (string | NextStep)[] => [
  ...waysToEnd(blockers),
  again(),
]

/** The statements that end what blocks; undefined if there are none, or if it gives way by itself. */
export const statementsToEnd = (blockers: readonly Blocker[]): string | undefined => {
  const pids = blockers.filter(({ pid, application }) => pid !== 0 && application !== AUTOVACUUM).map(({ pid }) => pid)
  const prepared = blockers.flatMap(({ pid, application }) => (pid === 0 ? [preparedName(application)] : []))
  const statements = [
    ...pids.map((pid) => `SELECT pg_terminate_backend(${pid});`),
    ...prepared.flatMap((name) => (name === undefined ? [] : [`ROLLBACK PREPARED ${name};`])),
  ]
  return statements.length === 0 ? undefined : statements.join(' ')
}

/** What the name of a prepared transaction, as an SQL string, stands behind. */
export const PREPARED = 'prepared transaction '

const preparedName = (application: string | null): string | undefined =>
  application?.startsWith(PREPARED) === true ? application.slice(PREPARED.length) : undefined

const waysToEnd = (blockers: readonly Blocker[]): readonly (string | NextStep)[] => {
  const statements = statementsToEnd(blockers)
  if (statements === undefined) return ['wait until the lock is free']
  const prepared = blockers.find(({ pid }) => pid === 0)
  const name = prepared === undefined ? undefined : preparedName(prepared.application)
  const end = sql(
    statements.slice(0, -1),
    name === undefined
      ? `wait for ${blockers.length === 1 ? 'that session, or end it' : 'those sessions, or end them'}`
      : 'end it',
  )
  return [
    end,
    ...(name === undefined ? [] : [or(sql(`COMMIT PREPARED ${name}`))]),
    ...(blockers.some(isHidden) ? ['a role with pg_read_all_stats sees what the session does'] : []),
  ]
}

/** The default of the server's deadlock_timeout. */
const DEADLOCK_TIMEOUT_MS = 1_000

/** How to get past what blocks, for a command with the flag `--max-wait`. @param lockTimeoutMs that of an attempt */
export const getPastBlockers = (blockers: readonly Blocker[], lockTimeoutMs: number): Next => {
  if (lockTimeoutMs <= DEADLOCK_TIMEOUT_MS && blockers.some(({ application }) => application === AUTOVACUUM))
    return again('--lock-timeout 1500ms', 'autovacuum yields to a lock request that waits longer than deadlock_timeout')
  return [...endBlockers(blockers), or(again('--max-wait 10m', 'wait longer'))]
}
