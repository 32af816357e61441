import type { Pool, QueryConfig, QueryResult } from 'pg'
import { createPool, type Queryable } from '../../database/connection.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { serverProcessId } from '../../database/pooler.js'
import { onlyRow } from '../../database/rows.js'
import type { OnMigrationEvent } from './events.js'
import { SELECT_BACKEND, type BackendSnapshot } from './backend-snapshot.js'
import { createStatementProgress, statementName, type Blockage } from './statement-progress.js'

/** Most statements end earlier and need no second connection. */
const FIRST_LOOK_MS = 100
const LOOK_EVERY_MS = 500
const QUERY_TIMEOUT_MS = 2_000

export interface WatchOptions {
  /** Shows the query text of blocking sessions, which may contain personal data. */
  readonly showQueries: boolean
  readonly onEvent: OnMigrationEvent
}

/**
 * Runs work on our session and watches it from a second connection: who blocks it, and the progress of index builds.
 * The second connection is opened when the first statement takes longer than a moment.
 */
export const withWatch = async <T>(
  session: Queryable,
  target: ConnectionTarget,
  options: WatchOptions,
  work: (watched: Queryable) => Promise<T>,
): Promise<T> => {
  const watcher = createBackendWatcher(target, await serverProcessId(session), options)
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

const blockersOfErrors = new WeakMap<object, Blockage>()

/** Who blocked the statement that failed with this error when last seen; undefined if no blocker was seen. */
export const blockageBehind = (error: unknown): Blockage | undefined =>
  typeof error === 'object' && error !== null ? blockersOfErrors.get(error) : undefined

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
    opened ??= createPool(target, {
      max: 1,
      application_name: 'chatkeep watching',
      query_timeout: QUERY_TIMEOUT_MS,
      pins: 'all',
    })
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
        if (progress.blockage !== undefined) blockersOfErrors.set(error, progress.blockage)
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
