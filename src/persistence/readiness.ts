import { setTimeout as delay } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import { cancelStatement } from '../database/end-session.js'
import { withPooledClient } from '../database/pools/pooled-client.js'
import { onlyRow } from '../database/rows.js'
import { blockageBehind, describeBlockage, noteBlockage } from '../database/blockers.js'
import { noticeCommit } from '../database/durability/commit-notice.js'
import { DURABLE_COMMIT, emitMessage } from '../database/durability/durable-commit.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { inTransaction } from '../database/transaction.js'
import { findLockHolders } from '../database/waiting/lock-holders.js'
import { ConnectionProblem, failureReason, NO_ANSWER, noteGivenUp } from '../database/connection-failure.js'
import { explainRefusal, StoreUnavailable } from './errors.js'
import type { KeyGuard, WithKeyGuard } from './keys/key-guard.js'
import { insertNothingSql } from './message-rows.js'
import { isRetryable } from './retry.js'
import type { Names } from './sql-names.js'
import type { StorePool } from './store/store-pool.js'

/** How long a proof waits for a connection. */
const PATIENCE_MS = 1_000

/** Then its statement is cancelled: a commit that waits for a standby would go on for as long as that is gone. */
const PROOF_MS = 800

/** When a check answers at the latest, with or without its proof. */
const ANSWER_MS = 2_000

/** A proof that no cancel request ends is kept this long, so that there is one, and not one for each check. */
const STUCK_MS = 10_000

/** What a proof is made with. */
export interface ReadinessSession {
  readonly pool: StorePool
  readonly names: Names
  readonly withKeyGuard: WithKeyGuard
  /** Told when a proof that was given up may still run in the server. */
  readonly onLeft: () => void
  /** Fires when the store is closed without waiting for the proof. */
  readonly closed: AbortSignal
}

/** How far a proof is, by `performance.now()`. */
interface Proof {
  readonly since: number
  hasConnection: boolean
  /** When the server had begun the transaction. */
  begunAt?: number
}

/**
 * Returns a function that proves that a message can be saved now: the insert runs (columns, unique index, the role's
 * privileges, a writable database, no lock that blocks it), and a commit is flushed to disk and confirmed by the standbys that it
 * waits for. Calls at the same time share a proof. It throws SchemaNotReady, DatabaseRefused or StoreUnavailable.
 */
export const createReadinessCheck = (session: ReadinessSession): ((deadlineMs?: number) => Promise<void>) => {
  let running: { readonly proof: Proof; readonly answer: Promise<void> } | undefined
  const start = (): NonNullable<typeof running> => {
    const proof: Proof = { since: performance.now(), hasConnection: false }
    return { proof, answer: prove(session, proof).finally(() => (running = undefined)) }
  }
  return async (deadlineMs = 0) => {
    const askedAt = performance.now()
    running ??= start()
    const { proof, answer } = running
    const isOver = new AbortController()
    const endsAt = Math.min(proof.since + ANSWER_MS, askedAt + (deadlineMs === 0 ? ANSWER_MS : deadlineMs))
    const tooLate = delay(Math.max(0, endsAt - performance.now()), undefined, { signal: isOver.signal })
    try {
      await Promise.race([answer, tooLate.then(() => Promise.reject(stuck(session, proof)))])
    } finally {
      isOver.abort()
    }
  }
}

const stuck = ({ pool }: ReadinessSession, { since, hasConnection, begunAt }: Proof): StoreUnavailable => {
  const now = performance.now()
  if (begunAt !== undefined)
    return new StoreUnavailable(`a commit has been waiting for ${describeMs(now - begunAt)}`, undefined)
  const reason = hasConnection ? new ConnectionProblem(NO_ANSWER, 'network') : pool.whyLate(now - since)
  return new StoreUnavailable(failureReason(reason), reason)
}

const describeMs = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`)

const prove = async ({ pool, names, withKeyGuard, onLeft, closed }: ReadinessSession, proof: Proof): Promise<void> => {
  const limits = { patienceMs: PATIENCE_MS, workMs: STUCK_MS, onLeft, signal: closed, noneFreeHint: pool.noneFreeHint }
  try {
    await withPooledClient(pool.get(), limits, (client) => {
      proof.hasConnection = true
      return withKeyGuard(client, (guard) => proveWith(client, proofSql(names, guard), proof))
    })
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error
    const blockage = blockageBehind(error)
    const reason = blockage === undefined ? failureReason(error) : describeBlockage(blockage)
    throw isRetryable(error) ? new StoreUnavailable(reason, error) : explainRefusal(error)
  }
}

const proveWith = async (client: ClientBase, sql: string, proof: Proof): Promise<void> => {
  try {
    const { result: wasInTime, isUnconfirmed } = await noticeCommit(client, () => commitInTime(client, sql, proof))
    if (isUnconfirmed) throw await noStandby(client)
    // The cancel request may still be on its way: the error keeps it from another's statement.
    if (!wasInTime) throw tooSlow()
  } catch (error) {
    if (hasSqlState(error, SqlState.lockNotAvailable)) noteBlockage(error, await findLockHolders(client, 'writes'))
    throw error
  }
}

/** @returns whether no cancel request was sent */
const commitInTime = async (client: ClientBase, sql: string, proof: Proof): Promise<boolean> => {
  const startedAt = performance.now()
  let wasInTime = true
  const limit = setTimeout(() => {
    wasInTime = false
    void cancelStatement(client)
  }, PROOF_MS)
  try {
    await inTransaction(client, () => {
      proof.begunAt = performance.now()
      return client.query(sql)
    })
    return wasInTime
  } catch (error) {
    const isTooSlow = hasSqlState(error, SqlState.queryCanceled) && performance.now() - startedAt >= PROOF_MS
    if (!isTooSlow) throw error
    noteGivenUp(error)
    throw tooSlow(error)
  } finally {
    clearTimeout(limit)
  }
}

const tooSlow = (cause?: unknown): StoreUnavailable =>
  new StoreUnavailable(`a commit takes longer than ${PROOF_MS} ms`, cause)

const noStandby = async (client: ClientBase): Promise<StoreUnavailable> => {
  const { standbys } = onlyRow(await client.query<{ standbys: string }>(SELECT_STANDBYS))
  const reason = `commits wait for a synchronous standby (synchronous_standby_names = '${standbys}')`
  return new StoreUnavailable(reason, undefined)
}

const SELECT_STANDBYS = `SELECT pg_catalog.current_setting('synchronous_standby_names') AS "standbys"`

// In a transaction that outlives a statement: a pooler in statement mode refuses those, and then no guest's client can be
// created. The lock time-out ends a wait that outlives us. The insert of no rows is executed: EXPLAIN would succeed on a
// read-only database.
const proofSql = (names: Names, guard: KeyGuard): string => `
  SELECT pg_catalog.set_config('lock_timeout', '500', true);
  ${insertNothingSql(names, guard)};
  SELECT ${DURABLE_COMMIT} AND ${emitMessage('ready')}`
