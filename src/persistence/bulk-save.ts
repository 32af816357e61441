import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { askInHalves } from '../database/encoding/ask-in-halves.js'
import { noticeCommit, type NoticedCommit } from '../database/durability/commit-notice.js'
import { inTransaction } from '../database/transaction.js'
import { INCOMING_COLUMNS } from './incoming/rows.js'
import { createGuestClients, guestNamesOf } from './guest-clients.js'
import { insertSql, toInsertedRow, type StoreSession, type InsertedRow, type InsertedRowText } from './message-rows.js'
import { takenKeySql, type KeyGuard } from './keys/key-guard.js'
import { nextAttempt } from './saving/next-attempt.js'
import { unsettled, withoutBlockedSenders, type PendingSave } from './pending-save.js'
import type { PreparedMessage } from './prepare-message.js'
import { saveBatch } from './save-batch.js'
import { settleInserted } from './saving/settle-rows.js'
import type { Names } from './sql-names.js'

/** Messages that the bulk insert did not store (duplicates, rejected ones and their neighbours) are saved in batches of this size. */
const REST_MESSAGES = 500

/** Parts of a batch that are written in parallel, each on a connection of its own. */
export const BULK_PARTS = 2

/** The bulk insert leaves out what has no client. */
const COMPLETE = { waits: false, lacksOperator: false }

/** Runs work on a connection of its own. */
export type WithSession = <T>(work: (session: StoreSession) => Promise<T>) => Promise<T>

/**
 * `saveBatch` for thousands of messages: COPY into a staging table, and one insert from there. Messages that it does not
 * store, because a key is taken or a row was rejected, go through `saveBatch`: each message has the same outcome either way.
 */
export const saveInBulk = async (withSession: WithSession, batch: readonly PendingSave[]): Promise<void> => {
  const createdNames = await withSession(async (session) => {
    const guests = guestNamesOf(await selectWithoutClient(session, batch))
    return new Set(await createGuestClients(session, guests))
  })
  const parts = partsOf(batch)
  const done = await Promise.allSettled(
    parts.map((part) => withSession((session) => savePart(session, part, createdNames))),
  )
  for (const one of done) if (one.status === 'rejected') throw one.reason
}

// All messages of a sender are in one part, which keeps their order. With a repeated key there is one part: the first message wins.
const partsOf = (batch: readonly PendingSave[]): readonly (readonly PendingSave[])[] => {
  if (new Set(batch.map(({ message }) => message.idempotencyKey)).size < batch.length) return [batch]
  const parts = new Map<string, number>()
  for (const { sender } of batch) if (!parts.has(sender)) parts.set(sender, parts.size % BULK_PARTS)
  return Array.from({ length: BULK_PARTS }, (_, part) => batch.filter(({ sender }) => parts.get(sender) === part))
}

const savePart = async (
  session: StoreSession,
  batch: readonly PendingSave[],
  createdNames: Set<string>,
): Promise<void> => {
  if (batch.length === 0) return
  const messages = batch.map(({ message }) => message)
  try {
    await settleInserted(session, batch, insertByCopy(session, messages), createdNames, COMPLETE)
  } catch (error) {
    if (nextAttempt(error, { linking: 'linked', size: batch.length, mayUnlink: false }) === 'throw') throw error
  }
  const rest = unsettled(batch)
  for (let start = 0; start < rest.length; start += REST_MESSAGES) {
    const piece = rest.slice(start, start + REST_MESSAGES)
    await saveBatch(session, withoutBlockedSenders(piece, rest.slice(0, start)), createdNames)
  }
}

// No client is created for a message whose key is taken.
// A role that may not read chatkeep's own tables saves all the same.
const withoutClientSql = (names: Names, keyGuard: KeyGuard): string => `
  SELECT x."position"
  FROM json_to_recordset($1::json) AS x ("position" integer, "username" text, "clientId" bigint, "idempotencyKey" text)
  WHERE (SELECT c."id" FROM ${names.client} AS c WHERE c."username"::text = x."username" LIMIT 1) IS NULL
    AND (SELECT c."id" FROM ${names.client} AS c WHERE c."id" = x."clientId" LIMIT 1) IS NULL
    AND ${takenKeySql(names, keyGuard, 'unknown')} IS NULL
  ORDER BY x."position"`

/** The messages of guests who have no client; of several with one key only the first. */
const selectWithoutClient = async (
  { client, names, keyGuard }: StoreSession,
  batch: readonly PendingSave[],
): Promise<readonly PendingSave[]> => {
  const keys = new Set<string>()
  const first = batch.filter(({ message: { idempotencyKey } }) => keys.size < keys.add(idempotencyKey).size)
  const named = first.filter(({ message: { guestUsername } }) => guestUsername !== null)
  return askInHalves(named, async (some) => {
    // Not as arrays: with array_nulls off, the server takes no NULL in them.
    const asked = some.map(({ message: { guestUsername, clientId, idempotencyKey } }, position) => ({
      ...{ position, username: guestUsername, clientId, idempotencyKey },
    }))
    const { rows } = await client.query<{ position: number }>(withoutClientSql(names, keyGuard), [
      JSON.stringify(asked),
    ])
    return rows.flatMap(({ position }) => some[position] ?? [])
  })
}

const STAGING = '"pg_temp"."chatkeep_incoming"'
const COLUMNS = [['position', 'integer'], ...INCOMING_COLUMNS] as const
const CREATE_STAGING = `
  CREATE TEMPORARY TABLE "chatkeep_incoming" (${COLUMNS.map(([name, type]) => `"${name}" ${type}`).join(', ')}) ON COMMIT DROP`

// In one transaction, so that it also works behind a transaction pooler.
const insertByCopy = (
  { client, names, keyGuard }: StoreSession,
  messages: readonly PreparedMessage[],
): Promise<NoticedCommit<readonly InsertedRow[]>> => {
  const insert = async (): Promise<readonly InsertedRow[]> => {
    await client.query(CREATE_STAGING)
    await pipeline(Readable.from(copyText(messages)), client.query(copyFrom(`COPY ${STAGING} FROM STDIN`)))
    const { rows } = await client.query<InsertedRowText>(
      insertSql(names, `${STAGING} AS x`, 'linked', { skipsConflicts: false, keyGuard }),
    )
    return rows.map(toInsertedRow)
  }
  return noticeCommit(client, () => inTransaction(client, insert))
}

/** Rows go to the server in pieces of about this many characters. */
const PIECE_CHARACTERS = 65_536

function* copyText(messages: readonly PreparedMessage[]): Generator<string> {
  let piece = ''
  for (const [position, message] of messages.entries()) {
    piece += `${position}\t${INCOMING_COLUMNS.map(([name]) => copyField(message[name] ?? null)).join('\t')}\n`
    if (piece.length < PIECE_CHARACTERS) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

// The text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
const copyField = (value: string | number | Date | null): string => {
  if (value === null) return '\\N'
  if (typeof value === 'number') return String(value)
  if (value instanceof Date) return value.toISOString()
  return value.replaceAll(/[\\\n\r\t]/g, (character) => ESCAPES[character] ?? character)
}
