import type { Queryable } from '../../database/connection.js'
import { AUTOVACUUM, describeAutovacuum } from '../../database/blockers.js'
import type { Obstacle } from './obstacle.js'
import type { RefusalQuestion } from './refusals.js'

/** What the plan may have to wait for. */
export interface TransactionQuestion extends RefusalQuestion {
  /** Tables that the plan locks. */
  readonly tables: readonly string[]
}

const MOST_SHOWN = 10

// A role sees the locks of other roles' sessions, but not their state and age.
const SELECT_TRANSACTIONS = `
  SELECT a.pid, a.usename AS "user", a.state,
    coalesce(nullif(a.application_name, ''), CASE WHEN a.backend_type <> 'client backend' THEN a.backend_type END)
      AS "application",
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
  /** The session belongs to another role, so its state and age are hidden. */
  readonly hidden: boolean
  readonly tables: readonly string[]
}

/** Reads transactions that the plan may have to wait for. Never reads query text. */
export const readTransactions = async (
  client: Queryable,
  question: TransactionQuestion,
): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<TransactionRow>(SELECT_TRANSACTIONS, [question.schema, question.tables])
  const concurrent = question.concurrentTables.length > 0
  return rows
    .filter(({ tables, ageS }) => tables.length > 0 || (concurrent && ageS !== null))
    .slice(0, MOST_SHOWN)
    .map((row) => ({ code: 'old_transaction', effect: 'waits', text: describeTransaction(row) }))
}

const describeTransaction = (row: TransactionRow): string =>
  row.tables.length === 0
    ? `${describeSession(row)} is older than the plan: CONCURRENTLY waits until it ends`
    : `${describeSession(row)} uses ${row.tables.map((table) => `"${table}"`).join(', ')}: ALTER and CONCURRENTLY wait until it ends`

const describeSession = ({ pid, user, application, state, ageS, hidden }: TransactionRow): string => {
  if (application === AUTOVACUUM) return describeAutovacuum(pid, ageS)
  const facts = [
    application,
    user === null ? null : `as ${user}`,
    hidden ? 'other role, state and age hidden' : state,
    ageS === null ? null : `in a transaction for ${ageS} s`,
  ].filter((fact) => fact !== null)
  return `the session with pid ${pid} (${facts.join(', ')})`
}

const SELECT_PREPARED = `
  SELECT gid AS "name", owner::text AS "owner", round(extract(epoch FROM clock_timestamp() - prepared))::integer AS "ageS"
  FROM pg_catalog.pg_prepared_xacts
  WHERE database = current_database()
  ORDER BY prepared
  LIMIT ${MOST_SHOWN}`

/** Reads prepared transactions, which keep their locks. */
export const readPrepared = async (client: Queryable): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ name: string; owner: string; ageS: number }>(SELECT_PREPARED)
  return rows.map(({ name, owner, ageS }) => ({
    code: 'prepared_transaction',
    effect: 'waits',
    text: `the transaction ${JSON.stringify(name)} of ${owner} was prepared ${ageS} s ago and keeps its locks until COMMIT PREPARED or ROLLBACK PREPARED`,
  }))
}
