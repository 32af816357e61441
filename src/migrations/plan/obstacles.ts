import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'

/** Something that keeps a plan from running, or from running at once. */
export interface Obstacle {
  readonly code:
    | 'server_corrupts_indexes'
    | 'partitioned_table'
    | 'column_in_use'
    | 'clients_cannot_be_created'
    | 'messages_without_client'
    | 'insufficient_privilege'
    | 'old_transaction'
    | 'prepared_transaction'
    | 'replication_slot_lags'
    | 'standby_lags'
    | 'free_disk_unknown'
  /** `refused`: it cannot run. `waits`: it runs when this is gone. `note`: it runs, and somebody should know. */
  readonly effect: 'refused' | 'waits' | 'note'
  readonly text: string
}

/** What the obstacles of a plan depend on. */
export interface ObstacleQuestion {
  readonly schema: string
  /** Tables on which it takes locks. */
  readonly tables: readonly string[]
  /** Tables on which it works CONCURRENTLY. */
  readonly concurrentTables: readonly string[]
}

/** CONCURRENTLY builds indexes that lack rows (mended in 14.4). */
const FIRST_CORRUPTING = 140_000
const FIRST_SOUND = 140_004

export const serverObstacles = (versionNumber: number, concurrent: boolean): readonly Obstacle[] =>
  concurrent && versionNumber >= FIRST_CORRUPTING && versionNumber < FIRST_SOUND
    ? [
        {
          code: 'server_corrupts_indexes',
          effect: 'refused',
          text: 'PostgreSQL 14.0 to 14.3 can leave rows out of an index that is built CONCURRENTLY; update the server to 14.4 or newer',
        },
      ]
    : []

/** Asks the server what is in the way. Works as a role that may not see other sessions, and reads no query text. */
export const readObstacles = async (client: Queryable, question: ObstacleQuestion): Promise<readonly Obstacle[]> => {
  return [
    ...(await readRefusals(client, question)),
    ...(await readTransactions(client, question)),
    ...(await readPrepared(client)),
    ...(await readSlots(client)),
    ...(await readStandbys(client)),
  ]
}

/** Only what keeps the plan from running at all. */
export const readRefusals = async (client: Queryable, question: ObstacleQuestion): Promise<readonly Obstacle[]> => {
  const { versionNumber } = onlyRow(await client.query<{ versionNumber: number }>(SELECT_VERSION_NUMBER))
  return [
    ...serverObstacles(versionNumber, question.concurrentTables.length > 0),
    ...(await readPartitioned(client, question)),
  ]
}

const SELECT_VERSION_NUMBER = `SELECT current_setting('server_version_num')::integer AS "versionNumber"`

const SELECT_PARTITIONED = `
  SELECT c.relname AS "table"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'p' AND c.relname = ANY ($2)`

const readPartitioned = async (client: Queryable, question: ObstacleQuestion): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ table: string }>(SELECT_PARTITIONED, [
    question.schema,
    question.concurrentTables,
  ])
  return rows.map(({ table }) => ({
    code: 'partitioned_table',
    effect: 'refused',
    text: `"${table}" is partitioned: no index of it can be built or dropped CONCURRENTLY`,
  }))
}

// A role sees little of sessions that are not its own; their locks it sees.
const SELECT_TRANSACTIONS = `
  SELECT a.pid, a.usename AS "user", nullif(a.application_name, '') AS "application", a.state,
    round(extract(epoch FROM clock_timestamp() - a.xact_start))::integer AS "ageS",
    a.xact_start IS NULL AND a.query = '<insufficient privilege>' AS "hidden",
    ARRAY(
      SELECT DISTINCT c.relname::text
      FROM pg_catalog.pg_locks AS l
      JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.granted AND n.nspname = $1 AND c.relname = ANY ($2)
      ORDER BY 1
    ) AS "tables"
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.leader_pid IS NULL
    AND (a.xact_start < clock_timestamp() - interval '1 second' OR a.xact_start IS NULL)
  ORDER BY a.xact_start NULLS LAST, a.pid`

interface TransactionRow {
  readonly pid: number
  readonly user: string | null
  readonly application: string | null
  readonly state: string | null
  readonly ageS: number | null
  /** Another role's: neither state nor age is shown to us. */
  readonly hidden: boolean
  readonly tables: readonly string[]
}

const MOST_SHOWN = 10

const readTransactions = async (client: Queryable, question: ObstacleQuestion): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<TransactionRow>(SELECT_TRANSACTIONS, [question.schema, question.tables])
  const concurrent = question.concurrentTables.length > 0
  return rows
    .filter(({ tables, ageS }) => tables.length > 0 || (concurrent && ageS !== null))
    .slice(0, MOST_SHOWN)
    .map((row) => ({ code: 'old_transaction', effect: 'waits', text: describeTransaction(row) }))
}

const describeTransaction = ({ pid, user, application, state, ageS, hidden, tables }: TransactionRow): string => {
  const who = [
    `pid ${pid}`,
    application,
    user === null ? null : `as ${user}`,
    hidden ? 'of another role, so its state and age are hidden' : state,
    ageS === null ? null : `in a transaction for ${ageS} s`,
  ].filter((fact) => fact !== null)
  const holds =
    tables.length === 0
      ? 'CONCURRENTLY waits for it'
      : `uses ${tables.map((table) => `"${table}"`).join(', ')}: ALTER and CONCURRENTLY wait for it`
  return `${who.join(', ')}; ${holds}`
}

const SELECT_PREPARED = `
  SELECT gid AS "name", owner::text AS "owner", round(extract(epoch FROM clock_timestamp() - prepared))::integer AS "ageS"
  FROM pg_catalog.pg_prepared_xacts
  WHERE database = current_database()
  ORDER BY prepared
  LIMIT ${MOST_SHOWN}`

const readPrepared = async (client: Queryable): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ name: string; owner: string; ageS: number }>(SELECT_PREPARED)
  return rows.map(({ name, owner, ageS }) => ({
    code: 'prepared_transaction',
    effect: 'waits',
    text: `transaction ${JSON.stringify(name)} of ${owner} was prepared ${ageS} s ago and keeps its locks until COMMIT PREPARED or ROLLBACK PREPARED`,
  }))
}

const LAGGING_BYTES = 64 * 1024 * 1024

const SELECT_SLOTS = `
  SELECT slot_name AS "name", active, behind::float8 AS "behind"
  FROM (
    SELECT slot_name, active, pg_wal_lsn_diff(
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn) AS behind
    FROM pg_catalog.pg_replication_slots
  ) AS s
  WHERE behind > ${LAGGING_BYTES}
  ORDER BY behind DESC
  LIMIT ${MOST_SHOWN}`

const readSlots = async (client: Queryable): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ name: string; active: boolean; behind: number }>(SELECT_SLOTS)
  return rows.map(({ name, active, behind }) => ({
    code: 'replication_slot_lags',
    effect: 'note',
    text: `replication slot ${JSON.stringify(name)}${active ? '' : ', which nobody reads,'} is ${Math.round(behind / 1e6)} MB behind: the server keeps that WAL, and what an index build writes on top of it`,
  }))
}

// Of another role's connections the lag is hidden, and then there is no row.
const SELECT_STANDBYS = `
  SELECT coalesce(nullif(application_name, ''), 'pid ' || pid) AS "name",
    round(extract(epoch FROM replay_lag))::integer AS "lagS", backend_xmin IS NOT NULL AS "feedback"
  FROM pg_catalog.pg_stat_replication
  WHERE replay_lag > interval '10 seconds'
  ORDER BY replay_lag DESC
  LIMIT ${MOST_SHOWN}`

const readStandbys = async (client: Queryable): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ name: string; lagS: number; feedback: boolean }>(SELECT_STANDBYS)
  return rows.map(({ name, lagS, feedback }) => ({
    code: 'standby_lags',
    effect: 'note',
    text: `standby ${name} is ${lagS} s behind${feedback ? ' and sends feedback of long queries' : ''}: it will be further behind after an index build`,
  }))
}
