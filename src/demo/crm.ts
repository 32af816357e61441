import { withClient } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { onlyRow } from '../database/rows.js'
import { isServerError } from '../database/sql-state.js'
import { readMigrationFiles, shippedMigrations } from '../migrations/ledger/migration-files.js'

// As a program of its own, which names its tables without their schema.
const SESSION = { applicationName: 'chatkeep demo', pins: 'course' } as const

const FILL_CRM = `
  INSERT INTO "User" ("updatedAt", "name", "username", "passwordHash", "role") VALUES
    (now(), 'Ana', 'ana', '-', 'AGENT'),
    (now(), 'Juan', 'juan', '-', 'AGENT');
  INSERT INTO "Client" ("createdAt", "updatedAt", "username", "phone")
    SELECT now() - interval '60 days', now() - interval '60 days', 'client' || n, '+1 555 ' || lpad(n::text, 4, '0')
    FROM generate_series(1, 40) AS n;
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "operatorId", "messageType", "text", "isRead", "sessionId")
    SELECT now() - make_interval(mins => 40000 - 10 * n), 1 + n % 40,
      CASE n % 3 WHEN 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType", CASE n % 3 WHEN 0 THEN 1 + n % 2 END,
      'TEXT', 'message ' || n || ' of before', true, 'session' || n % 200
    FROM generate_series(1, 3000) AS n`

/** Creates a CRM as it was before the guest-chat update: tables and rows, without a migration history. */
export const createCrm = (target: ConnectionTarget): Promise<void> =>
  withClient(target, SESSION, async (client) => {
    const tables = (await readMigrationFiles(shippedMigrations())).find(({ id }) => id === 1)
    await client.query(`SET TIME ZONE 'UTC'`)
    await client.query(tables?.sql ?? '')
    await client.query(FILL_CRM)
  })

/** The insert of the application for a visitor without an account. */
export const GUEST_INSERT = `INSERT INTO "ChatMessage" ("senderType", "messageType", "text") VALUES ('CLIENT', 'TEXT', 'Is anybody there?')`

/** Runs `GUEST_INSERT`. @returns the server's error as psql prints it; undefined on success */
export const tryGuestInsert = (target: ConnectionTarget): Promise<string | undefined> =>
  withClient(target, SESSION, async (client) => {
    try {
      await client.query(GUEST_INSERT)
      return undefined
    } catch (error) {
      if (!isServerError(error)) throw error
      return `ERROR:  ${error.message} [${error.code}]`
    }
  })

const ANOTHER_PROGRAM_WRITES = `
  INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "clientSocketId") VALUES
    ('CLIENT', 'TEXT', 'I wrote past the core', 'lena', 'socket-1'),
    ('CLIENT', 'TEXT', 'Me again', 'lena', 'socket-2'),
    ('CLIENT', 'TEXT', 'And who am I?', NULL, 'socket-3')`

/** Inserts what a program without chatkeep would: two messages of a guest without client, one without client or guest. */
export const writeAsAnotherProgram = (target: ConnectionTarget): Promise<void> =>
  withClient(target, SESSION, async (client) => {
    await client.query(ANOTHER_PROGRAM_WRITES)
  })

const CHECKSUM = `
  SELECT count(*)::integer AS "messages", md5(string_agg(md5(to_jsonb(m)::text), '' ORDER BY m."id")) AS "md5"
  FROM "ChatMessage" AS m`

/** Count and checksum of all messages, every column. */
export const checksumMessages = (
  target: ConnectionTarget,
): Promise<{ readonly messages: number; readonly md5: string }> =>
  withClient(target, SESSION, async (client) =>
    onlyRow(await client.query<{ messages: number; md5: string }>(CHECKSUM)),
  )
