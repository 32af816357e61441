import type { Queryable } from '../database/connection.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { IdempotencyConflict, MessageNotStored } from './errors.js'
import type { SavedChatMessage } from './message.js'
import type { PreparedMessage } from './prepare-message.js'
import { resolveClient, type ResolvedClient } from './resolve-client.js'
import { UTC_NOW, type Names } from './statements.js'

/** A key that is always taken when we insert, and never there when we look, is held by nobody: the insert is swallowed. */
const MAX_ROUNDS = 3

interface InsertedRow {
  readonly id: number
  readonly createdAt: Date
}

interface ExistingRow extends InsertedRow {
  readonly clientId: number | null
  readonly sameBody: boolean
}

/**
 * Writes one message, at most once for its key. Every statement commits by itself; the message's own commit is the last.
 * @throws IdempotencyConflict when the key belongs to a message with another body
 */
export const saveMessage = async (db: Queryable, names: Names, message: PreparedMessage): Promise<SavedChatMessage> => {
  const client = await resolveClient(db, names, message)
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const inserted = await insertForSomebody(db, names, message, client)
    if (inserted !== undefined) return { ...inserted, idempotencyKey: message.idempotencyKey, duplicate: false }
    const existing = await findByKey(db, names, message)
    // Gone again: whoever held the key deleted it between our two statements, so it is free.
    if (existing !== undefined) return asDuplicate(message, existing)
  }
  throw new MessageNotStored()
}

const asDuplicate = ({ idempotencyKey }: PreparedMessage, existing: ExistingRow): SavedChatMessage => {
  if (!existing.sameBody) throw new IdempotencyConflict(idempotencyKey, existing.id)
  const { id, clientId, createdAt } = existing
  return { id, clientId, createdAt, idempotencyKey, duplicate: true, clientCreated: false }
}

// The contact may vanish between look-up and insert, and an operator may be unknown: the message is kept without them.
const insertForSomebody = async (
  db: Queryable,
  names: Names,
  message: PreparedMessage,
  client: ResolvedClient,
): Promise<(InsertedRow & ResolvedClient) | undefined> => {
  const attempts: readonly [PreparedMessage, ResolvedClient][] = [
    [message, client],
    [{ ...message, operatorId: null }, client],
    [message, { clientId: null, clientCreated: false }],
    [
      { ...message, operatorId: null },
      { clientId: null, clientCreated: false },
    ],
  ]
  let first: unknown
  for (const [candidate, owner] of attempts) {
    try {
      const row = await insert(db, names, candidate, owner.clientId)
      return row === undefined ? undefined : { ...row, ...owner }
    } catch (error) {
      if (!hasSqlState(error, SqlState.foreignKeyViolation)) throw error
      first ??= error
    }
  }
  throw first
}

/**
 * The key is looked up before the insert as well as guarded by its unique index: a resend then burns no id.
 * `synchronous_commit` is raised for this transaction where it is off, since an answer promises that the message is kept.
 */
const insertSql = ({ message, senderType, messageType }: Names): string => `
  INSERT INTO ${message} (
    "createdAt", "clientId", "guestUsername", "guestPhone", "clientSocketId", "senderType", "operatorId", "messageType",
    "text", "imageUrl", "imageName", "mimeType", "sessionId", "idempotencyKey")
  SELECT coalesce($1::timestamptz AT TIME ZONE 'UTC', ${UTC_NOW}), $2::integer, $3::text, $4::text, $5::text,
    $6::${senderType}, $7::integer, $8::${messageType}, $9::text, $10::text, $11::text, $12::text, $13::text, $14::text
  WHERE NOT EXISTS (SELECT FROM ${message} WHERE "idempotencyKey" = $14)
    AND CASE current_setting('synchronous_commit')
          WHEN 'off' THEN set_config('synchronous_commit', 'on', true) = 'on'
          ELSE true
        END
  ON CONFLICT ("idempotencyKey") DO NOTHING
  RETURNING "id", "createdAt" AT TIME ZONE 'UTC' AS "createdAt"`

const insert = async (
  db: Queryable,
  names: Names,
  message: PreparedMessage,
  clientId: number | null,
): Promise<InsertedRow | undefined> => {
  const { rows } = await db.query<InsertedRow>(insertSql(names), [
    message.createdAt?.toISOString() ?? null,
    clientId,
    message.guestUsername,
    message.guestPhone,
    message.clientSocketId,
    message.senderType,
    message.operatorId,
    message.messageType,
    message.text,
    message.imageUrl,
    message.imageName,
    message.mimeType,
    message.sessionId,
    message.idempotencyKey,
  ])
  return rows[0]
}

// What makes two sends the same message: who speaks, to whom, and what is said. Sockets, operators and phones may change
// on a resend; a client may have been linked meanwhile, so it counts only where both sides name one.
const findByKeySql = ({ message }: Names): string => `
  SELECT m."id", m."createdAt" AT TIME ZONE 'UTC' AS "createdAt", m."clientId",
    (m."senderType"::text, m."messageType"::text, m."text", m."imageUrl", m."imageName", m."mimeType",
      m."guestUsername", m."sessionId")
      IS NOT DISTINCT FROM ($2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text)
      AND coalesce(m."clientId" = $10::integer, true) AS "sameBody"
  FROM ${message} AS m
  WHERE m."idempotencyKey" = $1`

const findByKey = async (db: Queryable, names: Names, message: PreparedMessage): Promise<ExistingRow | undefined> => {
  const { rows } = await db.query<ExistingRow>(findByKeySql(names), [
    message.idempotencyKey,
    message.senderType,
    message.messageType,
    message.text,
    message.imageUrl,
    message.imageName,
    message.mimeType,
    message.guestUsername,
    message.sessionId,
    message.clientId,
  ])
  return rows[0]
}
