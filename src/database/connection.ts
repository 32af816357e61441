import { Client, Pool, type ClientBase, type ClientConfig, type PoolClient, type PoolConfig } from 'pg'
import { OperatorError } from '../errors.js'
import { explainDatabaseError } from './connection-error.js'
import type { ConnectionTarget } from './connection-target.js'
import { requestCancel, settleTls } from './side-channel.js'

/** Anything that answers queries: a client, a pool, or a facade over one of them. */
export type Queryable = Pick<Client, 'query'>

export interface SessionOptions {
  /** Shown in pg_stat_activity, e.g. `chatkeep migrate`. */
  readonly applicationName: string
  /** When it fires, the running statement is cancelled in the server. */
  readonly signal?: AbortSignal | undefined
  /** How long we wait for the answer to one query before the connection counts as dead; unlimited when absent. */
  readonly queryTimeoutMs?: number | undefined
}

/** After a cancel the server answers at once; when it does not within this time it is frozen or gone. */
const CANCEL_PATIENCE_MS = 3_000

/**
 * Connects, works, disconnects. The error of the work wins over one of closing.
 * @throws OperatorError when the server cannot be reached, and for every error the server answers with
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
    // A statement that we cancelled ourselves is no error of its own; the reason is, unless the work has its own words for it.
    if (session.signal?.aborted === true && !(error instanceof OperatorError)) throw session.signal.reason
    throw explainDatabaseError(error, target)
  } finally {
    stopListening()
    await disconnect(client)
  }
}

/** A pool on the target; sessions are left as they are, so it also works behind a transaction pooler. */
export const createPool = async (target: ConnectionTarget, options: PoolConfig): Promise<Pool> => {
  const pool = new Pool({ ...(await clientConfig(target)), ...options })
  // An idle connection that dies is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  // A server that ends a connection may say so in the same breath as its welcome, before whoever borrows it can listen.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** How long a pool's connection may keep whoever borrows it, in milliseconds. */
export interface BorrowLimits {
  /** Until one is free. */
  readonly patienceMs: number
  /** Until the work is done; then the connection is dropped, since the server behind it may have fallen silent. */
  readonly workMs: number
}

/** Borrows a connection of a pool. After an error it is not given back: it may be broken, or belong to a server that became read-only. */
export const withPooledClient = async <T>(
  pool: Pool,
  { patienceMs, workMs }: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  const client = await borrow(pool, patienceMs)
  // A connection that dies between two queries is reported by the next query; without a listener it would end the process.
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

/** A pool whose every query borrows a connection as `withPooledClient` does. */
export const withLimits = (pool: Pool, limits: BorrowLimits): Queryable => ({
  // Of the many ways to call it, the one that is used.
  query: ((text: string, values?: unknown[]) =>
    withPooledClient(pool, limits, (client) => client.query(text, values))) as Client['query'],
})

// A caller's pool may wait for ever, for connections that its owner never gives back.
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
  new OperatorError('no_connection_free', 'no connection of the pool became free', { retryable: true })

/**
 * Connects for longer than one piece of work; whoever calls it disconnects.
 * @throws OperatorError when the server cannot be reached
 */
export const connect = async (target: ConnectionTarget, session: SessionOptions): Promise<Client> => {
  const config = { ...(await clientConfig(target)), application_name: session.applicationName }
  const client = new Client(
    session.queryTimeoutMs === undefined ? config : { ...config, query_timeout: session.queryTimeoutMs },
  )
  // A connection that dies between two queries is reported by the next query; without a listener it would end the process.
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

// node-postgres keeps both for its own use and does not show them in its types.
const cancelStatement = (client: Client, target: ConnectionTarget): Promise<void> => {
  const { processID, secretKey } = client as Client & { readonly processID: number; readonly secretKey: number }
  return requestCancel(target, processID, secretKey)
}

const DISCONNECT_PATIENCE_MS = 1_000

/** Never fails, and takes a second at most: a server that does not read our good-bye must not keep us, nor replace a result. */
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
  // node-postgres offers no public way to drop a connection whose peer is silent.
  const { connection } = client as unknown as { readonly connection?: { readonly stream?: { destroy(): void } } }
  connection?.stream?.destroy()
}
