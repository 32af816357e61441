import type { Client, Pool, QueryConfig, QueryResult } from 'pg'
import { noteBlockage } from '../blockers.js'
import { withClient, type Queryable, type SessionOptions } from '../connection.js'
import type { ConnectionTarget } from '../connection-target.js'
import { onlyRow } from '../rows.js'
import { SELECT_BACKEND, type BackendSnapshot } from './backend-snapshot.js'
import { createStatementProgress, statementName } from './statement-progress.js'
import type { OnWaitEvent } from './wait-events.js'
import { createWatcherPool } from './watcher-pool.js'

/** Most statements end earlier and need no second connection. */
const FIRST_LOOK_MS = 100
const LOOK_EVERY_MS = 500

export interface WatchOptions {
  /** Shows the query text of blocking sessions, which may contain personal data. */
  readonly showQueries: boolean
  readonly onEvent: OnWaitEvent
  /** Of the session on the server, where that may be another than the driver was told; behind a pooler that shares sessions nobody knows it. */
  readonly pid?: number | undefined
}

/**
 * Runs work on our session and watches it from a second connection: who blocks it, and the progress of index builds.
 * The second connection is opened when the first statement takes longer than a moment.
 */
export const withWatch = async <T>(
  session: Client,
  target: ConnectionTarget,
  options: WatchOptions,
  work: (watched: Queryable) => Promise<T>,
): Promise<T> => {
  const pid = options.pid ?? (session as WireClient).processID ?? 0
  const watcher = createBackendWatcher(target, pid, options)
  const query = (request: string | QueryConfig, values?: unknown[]): Promise<QueryResult> =>
    typeof request === 'string'
      ? watcher.during(request, () => session.query(request, values))
      : watcher.during(request.text, () => session.query(request))
  try {
    // Of the overloads of pg's query(), only those that return a promise.
    return await work({ query: query as Queryable['query'] })
  } finally {
    await watcher.close()
  }
}

/** A node-postgres client; its types omit `processID`. */
type WireClient = Client & { readonly processID: number | null }

/** Like `withClient`, and reports who blocks the session, for work that only reads: its own statements say nothing to people. */
export const withWatchedClient = <T>(
  target: ConnectionTarget,
  session: SessionOptions,
  options: WatchOptions,
  work: (watched: Queryable, client: Client) => Promise<T>,
): Promise<T> =>
  withClient(target, session, (client) =>
    withWatch(client, target, { ...options, onEvent: onlyWaits(options) }, (watched) => work(watched, client)),
  )

const onlyWaits =
  ({ onEvent }: WatchOptions): OnWaitEvent =>
  (event) => {
    if (event.type !== 'running') onEvent(event)
  }

const durationsOfErrors = new WeakMap<object, number>()

/** How long the statement that failed with this error had run, in milliseconds. */
export const durationBehind = (error: unknown): number =>
  typeof error === 'object' && error !== null ? (durationsOfErrors.get(error) ?? 0) : 0

interface BackendWatcher {
  during<T>(sql: string, work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

const createBackendWatcher = (
  target: ConnectionTarget,
  pid: number,
  { showQueries, onEvent }: WatchOptions,
): BackendWatcher => {
  let opened: Pool | undefined
  let failed = false

  const look = async (): Promise<BackendSnapshot | undefined> => {
    if (failed) return undefined
    opened ??= createWatcherPool(target)
    try {
      return onlyRow(await opened.query<BackendSnapshot>(SELECT_BACKEND, [pid, showQueries]))
    } catch (error) {
      failed = true
      const reason = error instanceof Error ? error.message : String(error)
      onEvent({ type: 'note', text: `cannot show blocking sessions and index progress: ${reason}` })
      return undefined
    }
  }

  return {
    during: async (sql, work) => {
      const progress = createStatementProgress(statementName(sql), onEvent)
      let ended = false
      const lookAgain = async (): Promise<void> => {
        const snapshot = await look()
        if (ended) return
        if (snapshot !== undefined) progress.report(snapshot)
        timer = setTimeout(() => void lookAgain(), LOOK_EVERY_MS)
      }
      let timer = setTimeout(() => void lookAgain(), FIRST_LOOK_MS)
      const startedAt = performance.now()
      try {
        return await work()
      } catch (error) {
        if (typeof error !== 'object' || error === null) throw error
        durationsOfErrors.set(error, performance.now() - startedAt)
        noteBlockage(error, progress.blockage)
        throw error
      } finally {
        ended = true
        clearTimeout(timer)
      }
    },
    close: async () => {
      await opened?.end().catch(() => undefined)
    },
  }
}
