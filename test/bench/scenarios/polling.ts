import { setTimeout as delay } from 'node:timers/promises'
import { createChatStore, type ChatMessage, type ChatStore } from '../../../src/index.js'
import { forMs, runCallers } from '../callers.js'
import { checkFailed } from '../check-failed.js'
import type { Bench, Scenario } from '../scenario.js'
import { withMigratedDatabase, withPool, type BenchDatabase } from '../server.js'

const WRITERS = 3
/** The pauses of a writer who types, and of a widget that polls. */
const LONGEST_PAUSE_MS = 70
const POLL_PAUSE_MS = 50
/** How long the application's transaction stays open before it inserts. */
const OPEN_MS = 1_000

export const polling: Scenario = {
  name: 'polling',
  summary: 'one chat, several writers, polled by nextAfter: every message is seen, and none twice',
  run: (bench) =>
    withMigratedDatabase(bench, 'polling', async (database) => {
      await database.client.query(POLLER)
      for (const one of cases) await measure(bench, database, one)
      await database.client.query(DROP_POLLER)
    }),
}

interface Case {
  readonly title: string
  readonly pauses: boolean
  /** A writer whose messages have the time at which its transaction began. */
  readonly isOpenLong: boolean
  readonly poller: 'owner' | 'stranger'
}

const cases: readonly Case[] = [
  { title: `${WRITERS} writers`, pauses: false, isOpenLong: false, poller: 'owner' },
  { title: `${WRITERS} writers, human pace`, pauses: true, isOpenLong: false, poller: 'owner' },
  { title: 'transactions open for a second', pauses: true, isOpenLong: true, poller: 'owner' },
  { title: 'the same, polled by another role', pauses: true, isOpenLong: true, poller: 'stranger' },
]

/** A role that may read the chat, and nothing of the sessions of others. */
const POLLER = `
  CREATE ROLE "bench_poller" LOGIN PASSWORD 'bench';
  GRANT SELECT ON "ChatMessage", "Client" TO "bench_poller"`

const DROP_POLLER = 'DROP OWNED BY "bench_poller"; DROP ROLE "bench_poller"'

const pollerUrl = ({ url }: BenchDatabase, { poller }: Case): string => {
  const address = new URL(url)
  if (poller === 'stranger') Object.assign(address, { username: 'bench_poller', password: 'bench' })
  return address.href
}

const measure = async (bench: Bench, database: BenchDatabase, one: Case): Promise<void> => {
  bench.progress.status(`polling: ${one.title}`)
  const sessionId = one.title
  const stores = Array.from({ length: WRITERS }, () => createChatStore({ databaseUrl: database.url }))
  const poller = createChatStore({ databaseUrl: pollerUrl(database, one) })
  const meter = bench.createMeter()
  const seen: number[] = []
  const poll = createPoll(poller, sessionId, (messages) => seen.push(...messages.map(({ id }) => id)))
  try {
    // Polling begins in an empty chat.
    await poll()
    const goesOn = forMs(1_000 * bench.options.seconds, bench.signal)
    let isWriting = true
    const writing = Promise.all([
      ...stores.map((store, n) => write(store, sessionId, one, n, goesOn)),
      one.isOpenLong ? writeInLongTransactions(database, sessionId, goesOn) : undefined,
    ]).finally(() => (isWriting = false))
    await meter.round(async () => {
      while (isWriting) {
        await meter.time(poll)
        if (one.pauses) await delay(POLL_PAUSE_MS)
      }
    })
    await writing
    while ((await poll()) > 0);
    const figures = meter.figures()
    const note = await compare(database, one, seen)
    bench.report({ scenario: 'polling', case: one.title, ratio: null, ...figures, note })
  } finally {
    await Promise.all([...stores, poller].map((store) => store.close()))
  }
}

/** @returns what reads the next page, and resolves to the number of its messages */
const createPoll = (
  store: ChatStore,
  sessionId: string,
  onMessages: (messages: readonly ChatMessage[]) => void,
): (() => Promise<number>) => {
  let after: string | undefined
  return async () => {
    const page = await store.getChatHistory({ sessionId, after, limit: 200 })
    after = page.nextAfter
    onMessages(page.messages)
    return page.messages.length
  }
}

const write = (store: ChatStore, sessionId: string, { pauses }: Case, n: number, goesOn: () => boolean) =>
  runCallers(1, goesOn, async () => {
    await store.saveChatMessage({ sessionId, senderType: 'CLIENT', messageType: 'TEXT', text: `of writer ${n}` })
    if (pauses) await delay(Math.random() * LONGEST_PAUSE_MS)
  })

/** The column's default is the time at which the transaction began. */
const INSERT = `INSERT INTO "ChatMessage" ("sessionId", "senderType", "messageType", "text") VALUES ($1, 'OPERATOR', 'TEXT', 'late')`

const writeInLongTransactions = (database: BenchDatabase, sessionId: string, goesOn: () => boolean): Promise<void> =>
  withPool(database, (pool) =>
    runCallers(WRITERS, goesOn, async () => {
      const client = await pool.connect()
      try {
        await client.query('SET TIME ZONE UTC')
        await client.query('BEGIN')
        await client.query('SELECT now()')
        await delay(OPEN_MS * Math.random())
        await client.query(INSERT, [sessionId])
        await delay(OPEN_MS * Math.random())
        await client.query('COMMIT')
      } finally {
        client.release()
      }
    }),
  )

const compare = async ({ client }: BenchDatabase, { title }: Case, seen: readonly number[]): Promise<string> => {
  const { rows } = await client.query<{ id: number }>('SELECT "id" FROM "ChatMessage" WHERE "sessionId" = $1', [title])
  const distinct = new Set(seen)
  const missed = rows.filter(({ id }) => !distinct.has(id)).length
  const doubled = seen.length - distinct.size
  const note = `${rows.length} messages, ${missed} missed, ${doubled} doubled`
  if (missed + doubled > 0) throw checkFailed(`${title}: ${note}`)
  return note
}
