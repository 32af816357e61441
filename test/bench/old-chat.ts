import type { Client } from 'pg'
import { onlyRow } from '../../src/database/rows.js'
import { createTables } from './create-tables.js'

/** The application's database before the update, and its guests' messages after it. */
export interface OldChat {
  readonly messages: number
  readonly clients: number
  readonly operators: number
  /** Messages of guests, written once the update is there. */
  readonly guestMessages: number
}

const MESSAGES_PER_CLIENT = 100
const MOST_GUEST_MESSAGES = 100_000

export const oldChat = (messages: number): OldChat => ({
  messages,
  clients: Math.ceil(messages / MESSAGES_PER_CLIENT),
  operators: 20,
  guestMessages: Math.min(MOST_GUEST_MESSAGES, Math.ceil(messages / 10)),
})

const INSERT_OPERATORS = `
  INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt")
  SELECT 'operator ' || n, 'operator ' || n, '-', TIMESTAMP '2025-01-01' FROM generate_series(1, $1::integer) AS n`

const INSERT_CLIENTS = `
  INSERT INTO "Client" ("username", "phone", "updatedAt")
  SELECT 'client ' || n, '+1 555 ' || n, TIMESTAMP '2025-01-01' FROM generate_series(1, $1::integer) AS n`

// A message every ten seconds; of three the client sends two. A client's messages are neighbours nowhere.
const INSERT_MESSAGES = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "clientSocketId", "sessionId", "messageType", "text", "isRead",
    "senderType", "operatorId")
  SELECT TIMESTAMP '2025-01-01' + n * INTERVAL '10 seconds', 1 + n % $2::integer, 'socket ' || n % 100003,
    'session ' || n % 200003, 'TEXT', left(repeat(md5(n::text), 4), 20 + n % 100), n % 30 > 0,
    CASE WHEN n % 3 = 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType",
    CASE WHEN n % 3 = 0 THEN 1 + n % $3::integer END
  FROM generate_series(1, $1::integer) AS n`

/** Fills an empty database. Rows come before indexes, and foreign keys are not checked row by row. */
export const loadOldChat = async (client: Client, { messages, clients, operators }: OldChat): Promise<void> => {
  const indexes = await createTables(client, ['create-chat-tables'])
  await client.query(`SET session_replication_role = 'replica'`)
  await client.query(INSERT_OPERATORS, [operators])
  await client.query(INSERT_CLIENTS, [clients])
  await client.query(INSERT_MESSAGES, [messages, clients, operators])
  await client.query('RESET session_replication_role')
  for (const statement of indexes) await client.query(statement)
  await client.query('VACUUM (ANALYZE)')
}

/** Whether guests write messages that have no client, too. The guide's rollback cannot be run where there are such. */
export type GuestKind = 'with client' | 'some without client'

// A hundred messages a guest. Of ten one has no client yet, of those one in a hundred not even a name.
const INSERT_GUEST_MESSAGES = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "guestPhone", "clientSocketId", "messageType",
    "senderType", "text")
  SELECT TIMESTAMP '2027-01-01' + n * INTERVAL '1 second', CASE WHEN $3::boolean OR n % 10 > 0 THEN 1 + n % $2::integer END,
    CASE WHEN $3::boolean OR n % 1000 > 0 THEN 'guest ' || n / 100 END, '+1 556 ' || n / 100, 'guest socket ' || n / 100,
    'TEXT', 'CLIENT', md5(n::text)
  FROM generate_series(1, $1::integer) AS n`

export const writeGuestMessages = async (
  client: Client,
  { guestMessages, clients }: OldChat,
  kind: GuestKind,
): Promise<void> => {
  await client.query(INSERT_GUEST_MESSAGES, [guestMessages, clients, kind === 'with client'])
}

/** Count and checksum, whatever the order of rows. */
export interface Fingerprint {
  readonly rows: string
  readonly md5: string
}

// The first 60 bits of each row's md5, summed up. Not of columns that the writer changes, nor of those that come and go.
const FINGERPRINT = `
  SELECT count(*)::text AS "rows",
    coalesce(sum(('x' || left(md5(concat_ws('|', "id", "createdAt", "clientId", "clientSocketId", "senderType", "operatorId",
      "text", "sessionId")), 15))::bit(60)::bigint), 0)::text AS "md5"
  FROM "ChatMessage"
  WHERE "id" <= $1`

/** Of the messages of before the update. */
export const fingerprintOf = async (client: Client, { messages }: OldChat): Promise<Fingerprint> =>
  onlyRow(await client.query<Fingerprint>(FINGERPRINT, [messages]))

const GUEST_FINGERPRINT = `
  SELECT count(*)::text AS "rows",
    coalesce(sum(('x' || left(md5(concat_ws('|', "id", "createdAt", coalesce("clientId"::text, '-'), "guestUsername",
      "guestPhone", "text")), 15))::bit(60)::bigint), 0)::text AS "md5"
  FROM "ChatMessage"
  WHERE "guestPhone" IS NOT NULL`

/** Of the messages of guests. */
export const guestFingerprintOf = async (client: Client): Promise<Fingerprint> =>
  onlyRow(await client.query<Fingerprint>(GUEST_FINGERPRINT))

const COUNT_WRITTEN = `SELECT count(*)::integer AS "count" FROM "ChatMessage" WHERE "id" = ANY ($1::integer[])`

/** How many of these messages are there. */
export const countMessages = async (client: Client, ids: readonly number[]): Promise<number> =>
  onlyRow(await client.query<{ count: number }>(COUNT_WRITTEN, [ids])).count
