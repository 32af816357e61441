import { BIG_CLIENT, type ChatShape } from './chat-data.js'
import type { BenchDatabase } from './server.js'

const MOST_OF_FLOOD = 1_000_000
const SHARE_OF_FLOOD = 0.1

const floodOf = ({ messages }: ChatShape): number => Math.min(MOST_OF_FLOOD, Math.ceil(SHARE_OF_FLOOD * messages))

// A few messages a second, as long as it takes.
const INSERT_FLOOD = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text", "isRead")
  SELECT (now() AT TIME ZONE 'UTC') + n * INTERVAL '360 milliseconds', $2, 'CLIENT', 'TEXT', 'again and again', true
  FROM generate_series(1, $1::integer) AS n`

/** One client writes the last messages, a million of them or a tenth of all, for many hours. */
export const floodHours = async (database: BenchDatabase, shape: ChatShape): Promise<void> => {
  await insertUnchecked(database, INSERT_FLOOD, [floodOf(shape), BIG_CLIENT + 1])
  await database.client.query('VACUUM (ANALYZE) "ChatMessage"')
}

const MOST_OF_BUSY_HOUR = 20_000

// Two messages each, in the first half of an hour that nobody else has written in; the flood fills the second half.
const INSERT_BUSY_HOUR = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text", "isRead")
  SELECT x."hour" + (CASE WHEN n <= $1 THEN n::numeric / $1 ELSE 1 + (n - $1)::numeric / $2 END)::float8 * INTERVAL '29 minutes',
    CASE WHEN n <= $1 THEN 1 + n % $3::integer ELSE $4 END, 'CLIENT', 'TEXT', 'in a busy hour', true
  FROM (SELECT date_trunc('hour', max("createdAt")) + INTERVAL '1 hour' AS "hour" FROM "ChatMessage") AS x,
    generate_series(1, $1::integer + $2::integer) AS n`

/** An hour in which 20,000 clients write, or half of all, and then one of them as much as in the other flood. */
export const floodBusyHour = async (database: BenchDatabase, shape: ChatShape): Promise<void> => {
  const clients = Math.min(MOST_OF_BUSY_HOUR, Math.ceil(shape.clients / 2))
  await insertUnchecked(database, INSERT_BUSY_HOUR, [2 * clients, floodOf(shape), clients, BIG_CLIENT + 2])
  await database.client.query('VACUUM (ANALYZE) "ChatMessage"')
}

const MOST_OF_UNREAD_HOUR = 100_000

const INSERT_HOUR = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text")
  SELECT (now() AT TIME ZONE 'UTC') + n * (INTERVAL '1 hour' / $1), 1 + floor(random() * $2::integer)::integer, 'CLIENT', 'TEXT',
    'while nobody looks'
  FROM generate_series(1, $1::integer) AS n`

/** An hour in which any clients write and nobody reads: 100,000 messages or a tenth of all, as their writer left them. */
export const writeUnseenHour = (database: BenchDatabase, shape: ChatShape): Promise<void> =>
  insertUnchecked(database, INSERT_HOUR, [Math.min(MOST_OF_UNREAD_HOUR, floodOf(shape)), shape.clients])

// Foreign keys are not checked row by row: the rows are known to be right.
const insertUnchecked = async ({ client }: BenchDatabase, sql: string, values: readonly number[]): Promise<void> => {
  await client.query(`SET session_replication_role = 'replica'`)
  await client.query(sql, [...values])
  await client.query('RESET session_replication_role')
}
