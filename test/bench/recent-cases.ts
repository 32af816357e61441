import type { ChatStore } from '../../src/index.js'
import { checkFailed } from './check-failed.js'
import { createTables } from './create-tables.js'
import type { ReadCase } from './read-case.js'
import { migrateDatabase, type BenchDatabase } from './server.js'

const PAGE = 50
const DEEPEST_PAGE = 200

/** The first page of recent chats, and the others one after the other. */
export const recentCases = (store: ChatStore, where: string): readonly ReadCase[] => [
  { title: `recent chats${where}: first page`, call: () => readChats(store, undefined) },
  { title: `recent chats${where}: pages 1 to 200, by cursor`, call: walkChats(store) },
]

/** The first page of recent chats, once. */
export const firstReadCase = (store: ChatStore, where: string): ReadCase => ({
  title: `recent chats${where}: first page`,
  call: () => readChats(store, undefined),
  mostCalls: 1,
})

// An empty page would be quick, and no figure of anything.
const readChats = async (store: ChatStore, before: string | undefined): Promise<string | null> => {
  const { chats, nextBefore } = await store.getRecentChats({ limit: PAGE, before })
  if (chats.length === 0) throw checkFailed(`there are no recent chats before ${before ?? 'now'}`)
  return nextBefore
}

/** Each call reads the page after that of the last call; after the deepest it begins again. */
const walkChats = (store: ChatStore): (() => Promise<void>) => {
  let cursor: string | undefined
  let page = 0
  return async () => {
    const next = await readChats(store, cursor)
    page += 1
    const isLast = next === null || page === DEEPEST_PAGE
    cursor = isLast ? undefined : next
    if (isLast) page = 0
  }
}

const MESSAGES_PER_LIFE = 35

const INSERT_CLIENTS = `
  INSERT INTO "Client" ("username", "updatedAt")
  SELECT 'client ' || n, TIMESTAMP '2026-01-01' FROM generate_series(1, $1::integer) AS n`

// A chat begins every 35 messages, and writes its own among those of the next 5 % of the chats, ever more seldom.
const INSERT_LIVES = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text", "isRead")
  SELECT TIMESTAMP '2025-01-01' + n * INTERVAL '4 seconds',
    1 + (floor(n / $3::numeric) + floor(random() * random() * $2::integer / 20))::integer % $2::integer,
    CASE WHEN n % 3 = 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType", 'TEXT', left(md5(n::text), 20), n % 30 > 0
  FROM generate_series(1, $1::integer) AS n`

/** Fills an empty database with chats that live side by side, so that few of the messages that lie together are the last of theirs. */
export const loadLives = async (database: BenchDatabase, messages: number, signal: AbortSignal): Promise<void> => {
  const { client } = database
  const indexes = await createTables(client, ['create-chat-tables', 'allow-guest-messages', 'add-idempotency-key'])
  const clients = Math.ceil(messages / MESSAGES_PER_LIFE)
  await client.query(`SET session_replication_role = 'replica'`)
  await client.query(`SELECT setseed(0.5)`)
  await client.query(INSERT_CLIENTS, [clients])
  await client.query(INSERT_LIVES, [messages, clients, MESSAGES_PER_LIFE])
  await client.query('RESET session_replication_role')
  for (const statement of indexes) await client.query(statement)
  await migrateDatabase(database, signal)
  await client.query('VACUUM (ANALYZE)')
  await client.query('CHECKPOINT')
}
