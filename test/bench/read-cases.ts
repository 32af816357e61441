import type { ChatStore, HistoryQuery } from '../../src/index.js'
import { inReadOnlySnapshot } from '../../src/database/transaction.js'
import { selectMetrics } from '../../src/metrics/select-metrics.js'
import { BIG_CLIENT, guestName, type ChatShape } from './chat-data.js'
import { checkFailed } from './check-failed.js'
import { createRandom, itemAt, pick, randomBelow, type Random } from './random.js'
import type { ReadCase } from './read-case.js'
import { recentCases } from './recent-cases.js'
import type { BenchDatabase } from './server.js'

const PAGE = 50
const LARGEST_PAGE = 200
const FEWEST_PLACES = 20
const SAMPLES = 5_000
const DAY_MS = 86_400_000

/** Looks up, before anything is measured, whom and what to ask for. Cases that change something come after those that only read. */
export const prepareReadCases = async (
  database: BenchDatabase,
  store: ChatStore,
  shape: ChatShape,
  signal: AbortSignal,
): Promise<readonly ReadCase[]> => {
  const random = createRandom(5)
  const { sessions, sockets } = await sampleContacts(database, shape, random)
  const places = await walkBigConversation(store, shape, signal)
  const seen = await sampleUnreadMessages(database)
  const stops = await stopsInBigConversation(database, shape)
  const history = (title: string, query: () => HistoryQuery): ReadCase => ({
    title,
    call: () => readPage(store, query()),
  })
  const client = (): number => BIG_CLIENT + 1 + randomBelow(random, shape.clients - 1)
  const guest = (): number => shape.clients + 1 + randomBelow(random, shape.conversations - shape.clients)
  return [
    history('history: newest page of a client', () => ({ clientId: client() })),
    history('history: newest page of the big conversation', () => ({ clientId: BIG_CLIENT })),
    history('history: any page of the big conversation', () => ({
      clientId: BIG_CLIENT,
      before: pick(random, places),
    })),
    history('history: a guest by name', () => ({ guestUsername: guestName(guest()) })),
    history('history: by session', () => ({ sessionId: pick(random, sessions) })),
    history('history: by socket', () => ({ clientSocketId: pick(random, sockets) })),
    ...recentCases(store, ''),
    marking('mark as read: a client, up to a message', store, seen),
    marking('mark as read: the big conversation, bit by bit', store, stops),
    { title: 'metrics: all, of one day', call: () => readMetrics(database) },
  ]
}

// As the command does, but for its connection.
const readMetrics = ({ client }: BenchDatabase): Promise<unknown> =>
  inReadOnlySnapshot(client, { statementTimeoutMs: 0, lockTimeoutMs: 0 }, () =>
    selectMetrics(client, 'public', { since: DAY_MS }),
  )

// An empty page would be quick, and no figure of anything.
const readPage = async (store: ChatStore, query: HistoryQuery): Promise<void> => {
  const { messages } = await store.getChatHistory({ ...query, limit: PAGE })
  if (messages.length === 0) throw checkFailed(`there are no messages for ${JSON.stringify(query)}`)
}

/** Reads the whole conversation once. @returns the cursors between its pages */
const walkBigConversation = async (
  store: ChatStore,
  { big }: ChatShape,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const limit = Math.min(LARGEST_PAGE, Math.ceil(big / FEWEST_PLACES))
  const cursors: string[] = []
  for (let before: string | undefined; ; before = cursors.at(-1)) {
    const { nextBefore } = await store.getChatHistory({ clientId: BIG_CLIENT, limit, before })
    signal.throwIfAborted()
    if (nextBefore === null) return cursors
    cursors.push(nextBefore)
  }
}

const sampleContacts = async (
  { client }: BenchDatabase,
  { messages }: ChatShape,
  random: Random,
): Promise<{ readonly sessions: readonly string[]; readonly sockets: readonly string[] }> => {
  const ids = Array.from({ length: SAMPLES }, () => 1 + randomBelow(random, messages))
  const { rows } = await client.query<{ sessionId: string; clientSocketId: string }>(
    `SELECT "sessionId", "clientSocketId" FROM "ChatMessage" WHERE "id" = ANY ($1) AND "clientId" IS DISTINCT FROM $2`,
    [ids, BIG_CLIENT],
  )
  return { sessions: rows.map(({ sessionId }) => sessionId), sockets: rows.map(({ clientSocketId }) => clientSocketId) }
}

/** How far a client's messages are to be marked. */
interface Mark {
  readonly clientId: number
  readonly upToMessageId: number
}

const marking = (title: string, store: ChatStore, marks: readonly Mark[]): ReadCase => {
  let next = 0
  let marked = 0
  return {
    title,
    mostCalls: marks.length,
    call: async () => {
      marked += await store.markMessagesAsRead({ ...itemAt(marks, next++), operatorId: 1 })
    },
    note: () => `${marked.toLocaleString('en-US')} marked`,
  }
}

/** The newest unread message each of many clients: what an operator has on the screen who opens such a chat. */
const sampleUnreadMessages = async ({ client }: BenchDatabase): Promise<readonly Mark[]> => {
  const { rows } = await client.query<Mark>(
    `SELECT "clientId", max("id") AS "upToMessageId"
     FROM "ChatMessage"
     WHERE "senderType" = 'CLIENT' AND NOT "isRead" AND "clientId" <> $1
     GROUP BY "clientId"
     ORDER BY random()
     LIMIT $2`,
    [BIG_CLIENT, SAMPLES],
  )
  return rows
}

/** At any size as many as hold two or three unread messages. */
const MESSAGES_PER_STOP = 150

/** Messages of the big conversation at equal distances: an operator reads on and on. */
const stopsInBigConversation = async ({ client }: BenchDatabase, { big }: ChatShape): Promise<readonly Mark[]> => {
  const { rows } = await client.query<Mark>(
    `SELECT $1::integer AS "clientId", "id" AS "upToMessageId"
     FROM (SELECT "id", row_number() OVER (ORDER BY "id") AS "n" FROM "ChatMessage" WHERE "clientId" = $1) AS m
     WHERE "n" % $2 = 0
     ORDER BY "id"`,
    [BIG_CLIENT, Math.min(MESSAGES_PER_STOP, Math.ceil(big / FEWEST_PLACES))],
  )
  return rows
}
