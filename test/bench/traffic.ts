import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { onlyRow } from '../../src/database/rows.js'
import { createRandom, randomBelow, type Random } from './random.js'

/** One call of the application, by the clock of `performance.now()`. */
export interface Call {
  readonly startedAt: number
  readonly endedAt: number
  /** What its session waited for, where it took so long that somebody had time to look. */
  readonly waitedFor?: string | undefined
}

/** What an application got done beside the work. */
export interface Traffic {
  readonly writer: readonly Call[]
  readonly reader: readonly Call[]
  /** Of the messages that the writer wrote. */
  readonly ids: readonly number[]
}

/** Time to think between two calls. Without it two callers in a loop would keep both cores of a small machine busy by themselves. */
const PAUSE_MS = 2
/** Before and after the work, so that nothing it does is missed. */
const MARGIN_MS = 500
const WRITES_PER_UPDATE = 8
/** A call that takes so long is looked at by a session of its own. */
const SUSPICIOUS_MS = 50

/** The application as it was before the update: it knows nothing of guests. */
const INSERT_MESSAGE = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "clientSocketId", "senderType", "messageType", "text", "sessionId")
  VALUES (now() AT TIME ZONE 'UTC', $1, $2, 'CLIENT', 'TEXT', 'written meanwhile', $3)
  RETURNING "id"`

const MARK_AS_READ = `UPDATE "ChatMessage" SET "isRead" = true, "readAt" = now() AT TIME ZONE 'UTC' WHERE "id" = $1`

const SELECT_PAGE = `
  SELECT "id", "createdAt", "senderType", "operatorId", "messageType", "text", "isRead"
  FROM "ChatMessage"
  WHERE "clientId" = $1
  ORDER BY "createdAt" DESC
  LIMIT 50`

/**
 * Lets one writer and one reader work on the database, each with one call at a time, while the work goes on.
 * @throws the first error of either: an application that is refused has lost something
 */
export const withTraffic = async <T>(
  url: string,
  clients: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly traffic: Traffic }> => {
  const random = createRandom(5)
  const ids: number[] = []
  const end = new AbortController()
  const writer = keepCalling(url, end.signal, (client) => write(client, clients, random, ids))
  const reader = keepCalling(url, end.signal, (client) => client.query(SELECT_PAGE, [1 + randomBelow(random, clients)]))
  try {
    const failure = Promise.all([writer, reader]).then(() => new Promise<never>(() => undefined))
    const worked = delay(MARGIN_MS).then(work)
    const result = await Promise.race([worked, failure])
    await delay(MARGIN_MS)
    end.abort()
    return { result, traffic: { writer: await writer, reader: await reader, ids } }
  } finally {
    end.abort()
    await Promise.allSettled([writer, reader])
  }
}

const keepCalling = async (
  url: string,
  end: AbortSignal,
  call: (client: pg.Client) => Promise<unknown>,
): Promise<readonly Call[]> => {
  const calls: Call[] = []
  const [client, observer] = await Promise.all([connect(url), connect(url)])
  const { pid } = onlyRow(await client.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"'))
  try {
    while (!end.aborted) {
      const looking = lookAfter(SUSPICIOUS_MS, () => waitOf(observer, pid))
      const startedAt = performance.now()
      await call(client)
      const endedAt = performance.now()
      calls.push({ startedAt, endedAt, waitedFor: await looking.end() })
      await delay(PAUSE_MS)
    }
    return calls
  } finally {
    await Promise.all([client.end(), observer.end()])
  }
}

const connect = async (url: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: url, application_name: 'traffic' })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Looks once, unless it is ended before; the end gives what was seen. */
const lookAfter = <T>(ms: number, look: () => Promise<T>): { readonly end: () => Promise<T | undefined> } => {
  let seen: Promise<T> | undefined
  const timer = setTimeout(() => {
    seen = look()
  }, ms)
  return {
    end: async () => {
      clearTimeout(timer)
      return await seen
    },
  }
}

const SELECT_WAIT = `
  SELECT coalesce(a.wait_event_type || ' ' || a.wait_event, 'the processor') AS "wait",
    (SELECT l.mode FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) AS "mode"
  FROM pg_stat_activity AS a
  WHERE a.pid = $1 AND a.state = 'active'`

const waitOf = async (observer: pg.Client, pid: number): Promise<string | undefined> => {
  const { rows } = await observer.query<{ wait: string; mode: string | null }>(SELECT_WAIT, [pid])
  const [row] = rows
  return row === undefined ? undefined : [row.wait, row.mode].filter((word) => word !== null).join(' ')
}

const write = async (client: pg.Client, clients: number, random: Random, ids: number[]): Promise<void> => {
  const last = ids.at(-1)
  if (last !== undefined && randomBelow(random, WRITES_PER_UPDATE) === 0) {
    await client.query(MARK_AS_READ, [last])
    return
  }
  const clientId = 1 + randomBelow(random, clients)
  const { id } = onlyRow(
    await client.query<{ id: number }>(INSERT_MESSAGE, [clientId, `socket ${clientId}`, `session ${clientId}`]),
  )
  ids.push(id)
}
