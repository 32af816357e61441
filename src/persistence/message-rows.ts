import type { ClientBase } from 'pg'
import { commitUnconfirmed } from '../database/durability/commit-barrier.js'
import { noticeCommit, type NoticedCommit } from '../database/durability/commit-notice.js'
import { DURABLE_COMMIT, emitMessage } from '../database/durability/durable-commit.js'
import type { Queryable } from '../database/connection.js'
import { inTransaction } from '../database/transaction.js'
import { answeredInTransaction, connectionInTransaction } from '../database/pools/transaction-status.js'
import type { PreparedStatements } from '../database/prepared.js'
import { AS_JSON, AS_PARAMETERS, type IncomingRows } from './incoming/rows.js'
import type { StoredId } from './ids/ids.js'
import {
  foundByKeySql,
  insertAlsoSql,
  insertGuarded,
  sameMessageSql,
  takenKeySql,
  takingKeysSql,
  type ChangedKeys,
  type KeyGuard,
} from './keys/key-guard.js'
import { CONTACTS, NO_CONTACT, type LookUp, type NamedBy } from './look-up/contact-sql.js'
import type { FirstLookUp } from './look-up/first-look-up.js'
import type { HeldGuests } from './locks/held-guests.js'
import type { PreparedMessage } from './prepare-message.js'
import { instantSql, toInstant, type InstantText } from '../database/clock/instant.js'
import { UTC_NOW, type Names } from './sql-names.js'
import { BEGIN_NOTING, notingWantedSql } from './wanted/note-wanted.js'

/** What a batch is written with: a connection, the names of the tables, and the statements prepared on it. */
interface Session {
  readonly names: Names
  readonly statements: PreparedStatements
  /** How long an insert waits for a row that another transaction holds, in milliseconds; 250 when absent. */
  readonly rowLockTimeoutMs?: number | undefined
  readonly keyGuard: KeyGuard
  readonly heldGuests?: HeldGuests | undefined
}

/** A connection of the store's, where each statement is a transaction. */
export interface StoreSession extends Session {
  readonly transaction: 'own'
  readonly client: ClientBase
  /** How its saves begin; with the whole look-up when absent. */
  readonly firstLookUp?: FirstLookUp | undefined
}

/** A transaction of the caller, who commits it. Its settings are not touched, and no row is durable before it ends. */
export interface CallerSession extends Session {
  readonly transaction: 'callers'
  readonly client: Queryable
  readonly firstLookUp?: undefined
}

export type BatchSession = StoreSession | CallerSession

/**
 * Whether a message is stored with its client, or without one. `noted` keeps the id that it names in chatkeep's own table: with
 * that, `reconcile` can link it.
 */
export type Linking = 'linked' | 'noted' | 'unlinked'

export interface InsertedRow {
  readonly id: StoredId
  readonly createdAt: Date
  readonly clientId: StoredId | null
  readonly idempotencyKey: string
  readonly guestUnverified: boolean
}

export interface ExistingRow {
  /** Index of the message in the list that was passed. */
  readonly position: number
  readonly id: StoredId
  readonly createdAt: Date
  readonly clientId: StoredId | null
  readonly guestUnverified: boolean
  readonly sameBody: boolean
  /** Whether it is stored, and without operator. */
  readonly lacksOperator: boolean
}

interface InstantOfRow {
  readonly createdAt: InstantText
}

/** A row as `insertSql` returns it. */
export type InsertedRowText = Omit<InsertedRow, 'createdAt'> & InstantOfRow

export const toInsertedRow = (row: InsertedRowText): InsertedRow => ({ ...row, createdAt: toInstant(row.createdAt) })

/**
 * Inserts the messages whose key is free, in their order. With `linked` it skips guests who have no client yet, and ids that no
 * client has; with a short look-up, those of clients that were merged or renamed, too.
 * @returns one row for each message that was inserted; when the commit is unconfirmed, they need a barrier
 */
export const insertMessages = async (
  session: BatchSession,
  messages: readonly PreparedMessage[],
  linking: Linking,
  lookUp: LookUp = 'whole',
): Promise<NoticedCommit<readonly InsertedRow[]>> => {
  const { client, names, statements, rowLockTimeoutMs, keyGuard, transaction } = session
  // Not in a transaction of the caller, whose client may not know how to send a value of each type.
  const single = transaction === 'own' && linking === 'linked' && messages.length === 1 ? messages[0] : undefined
  const source = single === undefined ? AS_JSON : AS_PARAMETERS
  const sql = insertTextOf(names, source, linking, { rowLockTimeoutMs, keyGuard, transaction, lookUp, single })
  const incoming = keyGuard === 'table' || linking === 'noted' ? firstOfEachKey(messages) : messages
  const values = source.values(incoming)
  return noticeOwnCommit(session, async () => {
    const insert = () => statements.query<InsertedRowText>(client, sql, values)
    const { rows } = await insertGuarded(session, () =>
      linking === 'noted' && transaction === 'own' ? inTransaction(client, insert, BEGIN_NOTING) : insert(),
    )
    return rows.map(toInsertedRow)
  })
}

/** The texts of a store's inserts: one that is put together anew is also hashed anew, for the name of the prepared statement. */
const insertTexts = new WeakMap<Names, Map<string, string>>()

const insertTextOf = (names: Names, source: IncomingRows, linking: Linking, options: InsertOptions): string => {
  const texts = insertTexts.get(names) ?? new Map<string, string>()
  insertTexts.set(names, texts)
  const { rowLockTimeoutMs, keyGuard, transaction, lookUp, single } = options
  const rows = single === undefined ? 'many' : `${single.clientId !== null} ${single.guestUsername !== null}`
  const kind = `${linking} ${lookUp} ${keyGuard} ${transaction} ${rowLockTimeoutMs} ${rows}`
  const text = texts.get(kind) ?? insertSql(names, source.sql, linking, options)
  texts.set(kind, text)
  return text
}

/** Whether the message names its client by the id. */
export const namesClient = ({ clientId }: PreparedMessage): boolean => clientId !== null

/** How messages are stored without their client: where none of them names one by an id, there is nothing to note. */
export const withoutClient = (messages: readonly PreparedMessage[]): Linking =>
  messages.some(namesClient) ? 'noted' : 'unlinked'

const noticeOwnCommit = async <T>(session: BatchSession, statement: () => Promise<T>): Promise<NoticedCommit<T>> => {
  if (session.transaction === 'callers') return { result: await statement(), isUnconfirmed: false }
  const noticed = await noticeCommit(session.client, statement)
  // Nothing is committed: a message is not acknowledged, and the end of the connection undoes the statement.
  if (answeredInTransaction(session.client) === true) throw connectionInTransaction()
  return noticed
}

// The others find the first one's row afterwards, as those of another batch do.
const firstOfEachKey = (messages: readonly PreparedMessage[]): readonly PreparedMessage[] =>
  [...new Map(messages.toReversed().map((message) => [message.idempotencyKey, message])).values()].toReversed()

const ROW_LOCK_TIMEOUT_MS = 250

// Set for one transaction: a long transaction of another session does not block the whole batch.
const settings = (rowLockTimeoutMs = ROW_LOCK_TIMEOUT_MS): string =>
  `${DURABLE_COMMIT} AND set_config('lock_timeout', '${rowLockTimeoutMs}', true) <> ''`

/** The insert without rows: it fails when anything that the insert needs is missing. */
export const insertNothingSql = (names: Names, keyGuard: KeyGuard): string =>
  insertSql(names, AS_JSON.sql.replace('$1', `'[]'`), 'linked', { keyGuard })

export interface InsertOptions {
  readonly rowLockTimeoutMs?: number | undefined
  /** `false` makes the statement a fifth cheaper, but it fails when a key is taken meanwhile. */
  readonly skipsConflicts?: boolean | undefined
  readonly keyGuard: KeyGuard
  /** Whose transaction it is; the store's own when absent. */
  readonly transaction?: BatchSession['transaction'] | undefined
  /** The whole when absent. */
  readonly lookUp?: LookUp | undefined
  /** The only message of the source: nothing is sorted, and its client looked up by what it has. Its other fields do not matter. */
  readonly single?: Pick<PreparedMessage, 'clientId' | 'guestUsername'> | undefined
}

/**
 * The insert from any source of incoming rows, `x`. The guard keeps keys unique (with a table, the insert fails when one is
 * taken meanwhile), and a look-up before the insert keeps a resend from using up an id, unless both arrive at once. Look-ups
 * are subqueries with LIMIT: each uses its index even when the planner misjudges the size of the source.
 */
export const insertSql = (
  names: Names,
  source: string,
  linking: Linking,
  { rowLockTimeoutMs, skipsConflicts = true, keyGuard, transaction = 'own', lookUp = 'whole', single }: InsertOptions,
): string => {
  const { joins, client, isRegistered, condition } =
    linking === 'linked' ? CONTACTS[lookUp](names, single && namedBy(single)) : NO_CONTACT
  const set = settings(rowLockTimeoutMs)
  const insert = `
  INSERT INTO ${names.message} AS m (
    "createdAt", "clientId", "guestUsername", "guestPhone", "clientSocketId", "senderType", "operatorId", "messageType",
    "text", "imageUrl", "imageName", "mimeType", "sessionId", "idempotencyKey", "guestUnverified")
  SELECT coalesce(x."createdAt" AT TIME ZONE 'UTC', ${UTC_NOW}), ${client},
    x."guestUsername", x."guestPhone", x."clientSocketId", x."senderType"::${names.senderType}, x."operatorId",
    x."messageType"::${names.messageType}, x."text", x."imageUrl", x."imageName", x."mimeType", x."sessionId",
    x."idempotencyKey", x."senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND ${isRegistered}
  FROM ${source}
  ${joins}
  WHERE ${transaction === 'own' ? (single === undefined ? `(SELECT ${set})` : set) : 'true'}
    AND ${takenKeySql(names, keyGuard, linking === 'linked' ? 'known' : 'unknown')} IS NULL
    AND ${condition}
  ${single === undefined ? 'ORDER BY x."position"' : ''}
  ${skipsConflicts && keyGuard === 'index' ? 'ON CONFLICT ("idempotencyKey") DO NOTHING' : ''}
  RETURNING "id", ${instantSql('"createdAt"')} AS "createdAt", "clientId", "idempotencyKey", "guestUnverified"`
  const also = [
    ...(keyGuard === 'table' ? [takingKeysSql(names)] : []),
    ...(linking === 'noted' ? [notingWantedSql(names, source)] : []),
  ]
  return also.length === 0 ? insert : insertAlsoSql(insert, also, INSERTED_COLUMNS)
}

const namedBy = ({ clientId, guestUsername }: Pick<PreparedMessage, 'clientId' | 'guestUsername'>): NamedBy => ({
  id: clientId !== null,
  username: guestUsername !== null,
})

const INSERTED_COLUMNS = '"id", "createdAt", "clientId", "idempotencyKey", "guestUnverified"'

// The commit of its own message is later than those of the rows that it finds: it confirms them, no matter how and
// by which session they were committed. It also takes the statement to the primary behind a proxy such as pgpool-II, which sends there what calls a volatile
// function: a standby may lag behind.
//
// Two sends are the same message when sender type, conversation, guest and content are equal. Socket, operator and phone may
// change on a resend. The client may have been linked meanwhile, so it is compared only when both sides name one that exists.
const findByKeysSql = ({ names, keyGuard, transaction }: BatchSession, changed: ChangedKeys): string => `
  SELECT x."position"::integer - 1 AS "position", k."messageId" AS "id", ${instantSql('coalesce(m."createdAt", k."createdAt")')} AS "createdAt",
    coalesce(m."clientId", k."clientId") AS "clientId", coalesce(m."guestUnverified", false) AS "guestUnverified",
    ${sameMessageSql(names, changed)} AS "sameBody",
    m."id" IS NOT NULL AND m."operatorId" IS NULL AS "lacksOperator"
  FROM ${AS_JSON.sql}
  ${foundByKeySql(names, keyGuard, changed)}
  WHERE (SELECT ${transaction === 'own' ? `${DURABLE_COMMIT} AND ` : ''}${emitMessage('found')})`

/**
 * Finds the rows with the keys of these messages, and whether each is the same message.
 * @throws OperatorError `commit_unconfirmed`: they are visible, but may not be durable
 */
export const findByKeys = async (
  session: BatchSession,
  messages: readonly PreparedMessage[],
  linking: Linking,
): Promise<readonly ExistingRow[]> => {
  const sql = findByKeysSql(session, linking === 'linked' ? 'known' : 'unknown')
  const { result, isUnconfirmed } = await noticeOwnCommit(session, () =>
    session.client.query<Omit<ExistingRow, 'createdAt'> & InstantOfRow>(sql, [...AS_JSON.values(messages)]),
  )
  if (isUnconfirmed) throw commitUnconfirmed()
  return result.rows.map((row) => ({ ...row, createdAt: toInstant(row.createdAt) }))
}
