import { Pool, type Client, type ClientConfig, type PoolConfig } from 'pg'
import { OperatorError } from '../errors.js'
import { explainCancel, explainConnectionError, explainDatabaseError } from './connection-error.js'
import type { ConnectionTarget } from './connection-target.js'
import { connectionLifeMs } from './failover/connection-life.js'
import { cancelStatement, destroySocket, endAfter, endSession } from './end-session.js'
import type { Pins } from './pinned-settings.js'
import { at, NoHostReached, TargetClient } from './target-client.js'
import { hasSqlState, SqlState } from './sql-state.js'
import { reachedLimit } from './errors/statement-limit.js'

/** Anything that runs queries: a client, a pool, or a wrapper of one. */
export type Queryable = Pick<Client, 'query'>

export interface SessionOptions {
  /** Shown in pg_stat_activity, e.g. `chatkeep migrate`. */
  readonly applicationName: string
  /** Cancels the running statement in the server. */
  readonly signal?: AbortSignal | undefined
  /** How long a query waits for its answer before the connection counts as lost; unlimited when absent. */
  readonly queryTimeoutMs?: number | undefined
  /** The statement_timeout of the session; `queryTimeoutMs` when absent. */
  readonly statementTimeoutMs?: number | undefined
  /** Which settings are pinned; all when absent. */
  readonly pins?: Pins | undefined
}

/** After a cancel request the server answers at once; after this time it counts as frozen or lost. */
const CANCEL_PATIENCE_MS = 3_000

/**
 * Connects, runs the work, disconnects. An error of the work wins over an error of closing.
 * @throws OperatorError when the server cannot be reached, and for every error that the server reports
 */
export const withClient = async <T>(
  target: ConnectionTarget,
  session: SessionOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> => {
  session.signal?.throwIfAborted()
  const connectingAt = performance.now()
  const client = await connect(target, session)
  const startedAt = performance.now()
  const stopListening = cancelOnAbort(client, session)
  try {
    return await work(client)
  } catch (error) {
    if (session.signal?.aborted !== true) await endAfter(client, error)
    // When we cancelled the statement, the reason is the error, unless the work throws one of its own.
    if (session.signal?.aborted === true && !(error instanceof OperatorError)) throw session.signal.reason
    if (hasSqlState(error, SqlState.queryCanceled)) {
      const [elapsedMs, connectMs] = [performance.now() - startedAt, startedAt - connectingAt]
      const isTimeout = await reachedLimit(client, elapsedMs, session.statementTimeoutMs, connectMs)
      if (!isTimeout) throw explainCancel(error)
    }
    throw explainDatabaseError(error, at(target, client))
  } finally {
    stopListening()
    await disconnect(client)
  }
}

export interface PoolOptions extends PoolConfig {
  /** How long a query waits for its answer; the server ends its statement then, too. */
  readonly query_timeout: number
  /** Which settings of its sessions are pinned. */
  readonly pins: Pins
  /** A connection of this age is replaced, when it is free; 60,000 when absent. */
  readonly maxLifeMs?: number | undefined
}

/** A pool for the target. What its queries need of a setting, they need behind a transaction pooler, too, which keeps none. */
export const createPool = (target: ConnectionTarget, { pins, maxLifeMs, ...options }: PoolOptions): Pool => {
  const { application_name: name = 'chatkeep', query_timeout: statementTimeoutMs } = options
  const pool = new Pool({
    ...options,
    // Also how long a borrower waits for a free connection.
    connectionTimeoutMillis: target.connectTimeoutMs * target.hosts.length,
    // The pool reads it right afterwards: each connection has a life of its own.
    onConnect: () => {
      pool.options.maxLifetimeSeconds = connectionLifeMs(maxLifeMs) / 1_000
    },
    maxLifetimeSeconds: connectionLifeMs(maxLifeMs) / 1_000,
    Client: class extends TargetClient {
      constructor(config: ClientConfig = {}) {
        super(target, { ...config, application_name: applicationName(name, target) }, { pins, statementTimeoutMs })
      }
    },
  })
  // The pool replaces an idle connection that breaks; without a listener the error would end the process.
  pool.on('error', () => undefined)
  return pool
}

/**
 * Connects. The caller disconnects.
 * @throws OperatorError when the server cannot be reached
 */
export const connect = async (target: ConnectionTarget, session: SessionOptions): Promise<TargetClient> => {
  const { queryTimeoutMs, statementTimeoutMs = queryTimeoutMs ?? 0, pins = 'all', signal } = session
  const config = {
    application_name: applicationName(session.applicationName, target),
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
  }
  const client = new TargetClient(target, config, { pins, statementTimeoutMs, signal })
  try {
    await client.connect()
    return client
  } catch (error) {
    signal?.throwIfAborted()
    throw explainConnectionError(error, error instanceof NoHostReached ? target : at(target, client))
  }
}

/**
 * Settles which server a run works on: where several may be meant, the first connection decides for all that follow, so that
 * what one of them does is what the next one sees. A server that runs for long settles nothing, and follows a failover.
 */
export const pinServer = async (target: ConnectionTarget, signal: AbortSignal): Promise<ConnectionTarget> => {
  const { hosts, sessionAttributes } = target
  if (hosts.length === 1 && sessionAttributes === 'any') return target
  const client = await connect(target, { applicationName: 'chatkeep', signal })
  await disconnect(client)
  // A pinned server is no longer preferred to another.
  return { ...at(target, client), ...(sessionAttributes === 'prefer-standby' ? { sessionAttributes: 'any' } : {}) }
}

/** The target as a connected client has reached it: of several hosts and addresses the one. */
export const asReached = (target: ConnectionTarget, client: Client): ConnectionTarget =>
  client instanceof TargetClient ? at(target, client) : target

/** Our name for a session, followed by the one that the settings give. PostgreSQL cuts what is longer than 63 bytes. */
const applicationName = (ours: string, { applicationName: given }: ConnectionTarget): string =>
  given === undefined ? ours : `${ours} (${given})`

const cancelOnAbort = (client: TargetClient, { signal }: SessionOptions): (() => void) => {
  if (signal === undefined) return () => undefined
  let giveUp: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    // The request may have come between two statements: what runs by then, such as a commit that waits for a standby, is cancelled.
    const leave = (): Promise<void> => endSession(client).then(() => client.end())
    giveUp = setTimeout(() => void leave().catch(() => undefined), CANCEL_PATIENCE_MS)
    void cancelStatement(client)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return () => {
    clearTimeout(giveUp)
    signal.removeEventListener('abort', onAbort)
  }
}

const DISCONNECT_PATIENCE_MS = 1_000

/** Never fails and takes a second at most: a frozen server neither blocks the caller nor replaces its result. */
export const disconnect = async (client: Client): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      destroySocket(client)
      resolve()
    }, DISCONNECT_PATIENCE_MS)
  })
  await Promise.race([client.end().catch(() => undefined), patience])
  clearTimeout(timer)
}
