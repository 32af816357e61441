import type { Pool, QueryConfig, QueryResult } from 'pg'
import { createPool, type Queryable } from '../../database/connection.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { onlyRow } from '../../database/rows.js'
import type { Blocker, OnMigrationEvent } from './events.js'

/** Most statements are over by then, and need no second connection. */
const FIRST_LOOK_MS = 100
const LOOK_EVERY_MS = 500
/** From when on a statement that waits for nobody, and is only long, is worth a word. */
const LONG_MS = 2_000
const PATIENCE_MS = 2_000

export interface WatchOptions {
  /** Whether blockers are shown with what they run, which may hold what people wrote. */
  readonly showQueries: boolean
  readonly onEvent: OnMigrationEvent
}

/**
 * Gives the work a view of our session that is watched from a second connection, made when a statement first takes
 * longer than a moment: who blocks it, and how far an index is.
 */
export const withWatch = async <T>(
  session: Queryable & { readonly processID: number | null },
  target: ConnectionTarget,
  options: WatchOptions,
  work: (watched: Queryable) => Promise<T>,
): Promise<T> => {
  const watcher = createSessionWatcher(target, session.processID ?? 0, options)
  const query = (request: string | QueryConfig, values?: unknown[]): Promise<QueryResult> =>
    typeof request === 'string'
      ? watcher.during(request, () => session.query(request, values))
      : watcher.during(request.text, () => session.query(request))
  try {
    // Of the many ways to call it, the ones with a promise.
    return await work({ query: query as Queryable['query'] })
  } finally {
    await watcher.close()
  }
}

const blockersOfErrors = new WeakMap<object, Blockage>()

/** What a failed statement had waited for, and for whom. */
export interface Blockage {
  readonly what: string
  readonly blockers: readonly Blocker[]
}

/** Who was last seen to hold up the statement that failed with this error; undefined when nobody was seen. */
export const blockageBehind = (error: unknown): Blockage | undefined =>
  typeof error === 'object' && error !== null ? blockersOfErrors.get(error) : undefined

interface SessionWatcher {
  during<T>(sql: string, work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

const createSessionWatcher = (
  target: ConnectionTarget,
  pid: number,
  { showQueries, onEvent }: WatchOptions,
): SessionWatcher => {
  let opened: Promise<Pool> | undefined
  let failed = false

  const look = async (): Promise<SessionSnapshot | undefined> => {
    if (failed) return undefined
    opened ??= createPool(target, { max: 1, application_name: 'chatkeep watching', query_timeout: PATIENCE_MS })
    try {
      return onlyRow(await (await opened).query<SessionSnapshot>(SELECT_SESSION, [pid, showQueries]))
    } catch (error) {
      failed = true
      const reason = error instanceof Error ? error.message : String(error)
      onEvent({ type: 'note', text: `who blocks, and how far an index is, cannot be seen: ${reason}` })
      return undefined
    }
  }

  return {
    during: async (sql, work) => {
      const view = createView(statementName(sql), onEvent)
      let ended = false
      const lookAgain = async (): Promise<void> => {
        const snapshot = await look()
        if (ended) return
        if (snapshot !== undefined) view.tell(snapshot)
        timer = setTimeout(() => void lookAgain(), LOOK_EVERY_MS)
      }
      let timer = setTimeout(() => void lookAgain(), FIRST_LOOK_MS)
      try {
        return await work()
      } catch (error) {
        if (view.blockage !== undefined && typeof error === 'object' && error !== null)
          blockersOfErrors.set(error, view.blockage)
        throw error
      } finally {
        ended = true
        clearTimeout(timer)
      }
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.end().catch(() => undefined)
    },
  }
}

/** What the second connection sees of the first. */
interface SessionSnapshot {
  readonly blockers: readonly Blocker[]
  /** The table whose lock it waits for; null when it waits for transactions to end. */
  readonly relation: string | null
  readonly phase: string | null
  readonly done: number | null
  readonly total: number | null
}

const SELECT_SESSION = `
  SELECT ARRAY(
      SELECT json_build_object('pid', b.pid, 'user', coalesce(a.usename, p.owner),
        'application', coalesce(nullif(a.application_name, ''), a.backend_type, 'prepared transaction ' || quote_literal(p.gid)),
        'state', a.state, 'since', coalesce(a.xact_start, p.prepared),
        'transactionS', round(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))),
        'query', CASE WHEN $2 THEN a.query END)
      FROM (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids($1)) AS pid) AS b
      LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
      LEFT JOIN (
        SELECT gid, owner, prepared FROM pg_catalog.pg_prepared_xacts
        WHERE database = current_database() ORDER BY prepared LIMIT 1
      ) AS p ON b.pid = 0
      WHERE b.pid <> pg_backend_pid()
      ORDER BY a.xact_start NULLS LAST
    ) AS "blockers",
    (SELECT l.relation::regclass::text
     FROM pg_catalog.pg_locks AS l
     WHERE l.pid = $1 AND NOT l.granted AND l.relation IS NOT NULL
     LIMIT 1) AS "relation",
    p.phase AS "phase",
    CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END::float AS "done",
    CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END::float AS "total"
  FROM (VALUES (1)) AS one
  LEFT JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid = $1`

interface View {
  /** Who blocks now, if anybody does. */
  readonly blockage: Blockage | undefined
  tell(snapshot: SessionSnapshot): void
}

const createView = (statement: string, onEvent: OnMigrationEvent): View => {
  const startedAt = performance.now()
  let phaseBegan = { phase: '', at: startedAt }
  let blockage: Blockage | undefined
  return {
    get blockage() {
      return blockage
    },
    tell: ({ blockers, relation, phase, done, total }) => {
      const now = performance.now()
      const elapsedMs = Math.round(now - startedAt)
      if (blockers.length > 0) {
        blockage = { what: relation ?? 'older transactions to end', blockers }
        onEvent({ type: 'waiting', statement, elapsedMs, ...blockage })
        return
      }
      if (phase !== null && phaseBegan.phase !== phase) phaseBegan = { phase, at: now }
      if (elapsedMs < LONG_MS) return
      if (phase === null) onEvent({ type: 'running', statement, elapsedMs })
      else onEvent({ type: 'building', statement, phase, elapsedMs, ...progress(done, total, now - phaseBegan.at) })
    },
  }
}

/** Below this share, or this time, a rate says nothing. */
const LEAST_SHARE = 0.02
const LEAST_MS = 1_000

const progress = (
  done: number | null,
  total: number | null,
  phaseMs: number,
): { readonly percent: number | null; readonly etaMs: number | null } => {
  if (done === null || total === null || total === 0) return { percent: null, etaMs: null }
  const share = Math.min(1, done / total)
  const isRated = share >= LEAST_SHARE && phaseMs >= LEAST_MS
  return { percent: Math.floor(100 * share), etaMs: isRated ? Math.round((phaseMs * (1 - share)) / share) : null }
}

const LONGEST_NAME = 100

const statementName = (sql: string): string => {
  const line = sql.replaceAll(/--.*$/gm, '').trim().replaceAll(/\s+/g, ' ')
  return line.length > LONGEST_NAME ? `${line.slice(0, LONGEST_NAME - 1)}…` : line
}
