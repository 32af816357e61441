import { Client, Pool, type ClientBase, type ClientConfig, type PoolClient, type PoolConfig } from 'pg'
import { OperatorError } from '../errors.js'
import { explainDatabaseError } from './connection-error.js'
import type { ConnectionTarget } from './connection-target.js'
import { requestCancel, settleTls } from './side-channel.js'

/** Anything that runs queries: a client, a pool, or a wrapper of one. */
export type Queryable = Pick<Client, 'query'>

export interface SessionOptions {
  /** Shown in pg_stat_activity, e.g. `chatkeep migrate`. */
  readonly applicationName: string
  /** Cancels the running statement in the server. */
  readonly signal?: AbortSignal | undefined
  /** How long a query waits for its answer before the connection counts as lost; unlimited when absent. */
  readonly queryTimeoutMs?: number | undefined
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
  const client = await connect(target, session)
  const stopListening = cancelOnAbort(client, target, session)
  try {
    return await work(client)
  } catch (error) {
    // When we cancelled the statement, the reason is the error, unless the work throws one of its own.
    if (session.signal?.aborted === true && !(error instanceof OperatorError)) throw session.signal.reason
    throw explainDatabaseError(error, target)
  } finally {
    stopListening()
    await disconnect(client)
  }
}

/** A pool for the target. It changes no session settings, so it works behind a transaction pooler. */
export const createPool = async (target: ConnectionTarget, options: PoolConfig): Promise<Pool> => {
  const pool = new Pool({ ...(await clientConfig(target)), ...options })
  // The pool replaces an idle connection that breaks; without a listener the error would end the process.
  pool.on('error', () => undefined)
  // A server can end a connection right after it accepted it, before the borrower listens.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Time limits of work on a pool's connection, in milliseconds. */
export interface BorrowLimits {
  /** How long to wait for a free connection. */
  readonly patienceMs: number
  /** How long the work may take; then the connection is dropped, because the server may have stopped answering. */
  readonly workMs: number
}

/** Runs work on a connection of a pool. After an error the connection is closed: it may be broken, or its server read-only. */
export const withPooledClient = async <T>(
  pool: Pool,
  { patienceMs, workMs }: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  const client = await borrow(pool, patienceMs)
  // The next query reports a connection that broke between two queries; without a listener the error would end the process.
  const onError = (): void => undefined
  client.on('error', onError)
  const limit = setTimeout(() => destroySocket(client), workMs)
  let isUsable = false
  try {
    const result = await work(client)
    isUsable = true
    return result
  } finally {
    clearTimeout(limit)
    client.off('error', onError)
    client.release(!isUsable)
  }
}

/** A pool that runs each query through `withPooledClient`. */
export const withLimits = (pool: Pool, limits: BorrowLimits): Queryable => ({
  // Only this overload is used.
  query: ((text: string, values?: unknown[]) =>
    withPooledClient(pool, limits, (client) => client.query(text, values))) as Client['query'],
})

// A caller's pool may wait forever for connections that are never released.
const borrow = async (pool: Pool, patienceMs: number): Promise<PoolClient> => {
  const borrowed = pool.connect()
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(noConnectionFree()), patienceMs)
  })
  try {
    return await Promise.race([borrowed, patience])
  } catch (error) {
    borrowed.then(
      (client) => client.release(),
      () => undefined,
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
}

const noConnectionFree = (): OperatorError =>
  new OperatorError('no_connection_free', 'no connection of the pool became available', { retryable: true })

/**
 * Connects. The caller disconnects.
 * @throws OperatorError when the server cannot be reached
 */
export const connect = async (target: ConnectionTarget, session: SessionOptions): Promise<Client> => {
  const config = { ...(await clientConfig(target)), application_name: session.applicationName }
  const client = new Client(
    session.queryTimeoutMs === undefined ? config : { ...config, query_timeout: session.queryTimeoutMs },
  )
  // The next query reports a connection that broke between two queries; without a listener the error would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw explainDatabaseError(error, target)
  }
}

const clientConfig = async (target: ConnectionTarget): Promise<ClientConfig> => {
  const { host, port, user, database, password, options, connectTimeoutMs } = target
  return {
    host,
    port,
    user,
    database,
    ssl: await settleTls(target),
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    ...(password === undefined ? {} : { password }),
    ...(options === undefined ? {} : { options }),
  }
}

const cancelOnAbort = (client: Client, target: ConnectionTarget, { signal }: SessionOptions): (() => void) => {
  if (signal === undefined) return () => undefined
  let giveUp: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    giveUp = setTimeout(() => void client.end().catch(() => undefined), CANCEL_PATIENCE_MS)
    void cancelStatement(client, target)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return () => {
    clearTimeout(giveUp)
    signal.removeEventListener('abort', onAbort)
  }
}

// Private fields of node-postgres, which its types do not have.
const cancelStatement = (client: Client, target: ConnectionTarget): Promise<void> => {
  const { processID, secretKey } = client as Client & { readonly processID: number; readonly secretKey: number }
  return requestCancel(target, processID, secretKey)
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

const destroySocket = (client: ClientBase): void => {
  // node-postgres has no public way to drop a connection whose peer does not answer.
  const { connection } = client as unknown as { readonly connection?: { readonly stream?: { destroy(): void } } }
  connection?.stream?.destroy()
}
