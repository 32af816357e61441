import type { Queryable } from '../database/connection.js'
import { refusesTransactions } from '../database/errors/pooler-error.js'
import { hasSqlState, isBlockedByRow, isServerError, SqlState } from '../database/sql-state.js'
import { BEGIN, inTransaction } from '../database/transaction.js'
import type { BatchSession } from './message-rows.js'
import { mayWaitForClient } from './locks/patience.js'
import { withoutBlockedSenders, type PendingSave } from './pending-save.js'
import { aliasSql } from './follow-clients.js'
import { isRetryable } from './retry.js'
import { SHORT_LOCK_TIMEOUT_MS, UTC_NOW, type Names } from './sql-names.js'

export interface GuestClientOptions {
  /** How long to wait for a name that another transaction has taken, and not yet committed; 500 ms when absent. */
  readonly lockTimeoutMs?: number
  /** Told of each name that another transaction has taken, and not yet committed. */
  readonly onHeld?: ((username: string) => void) | undefined
  /** Told how many names were skipped, and why in the server's words. */
  readonly onSkipped?: ((names: number, reason: string) => void) | undefined
}

/** What guests' clients are created with; in a caller's transaction they are part of it. */
export type GuestSession = Pick<BatchSession, 'transaction' | 'names'> & { readonly client: Queryable }

/**
 * Creates clients for guests who have none. Names may repeat. A name whose client cannot be created is skipped: its message is
 * saved without client. The phone stays on the message: nobody has proved it, and in "Client" it is unique, so the person
 * whose phone it is could not register.
 * @returns the names whose client this call created
 * @throws only when the connection is lost or the database is unavailable
 */
export const createGuestClients = async (
  session: GuestSession,
  usernames: readonly string[],
  { lockTimeoutMs = LOCK_TIMEOUT_MS, onHeld, onSkipped }: GuestClientOptions = {},
): Promise<readonly string[]> => {
  // Sorted: two processes that create the same clients wait for each other instead of deadlocking.
  const wanted = [...new Set(usernames)].toSorted()
  if (wanted.length === 0) return []
  try {
    return await (session.transaction === 'own' ? createAll(session, wanted, lockTimeoutMs) : insert(session, wanted))
  } catch (error) {
    if (!isServerError(error) || refusesTransactions(error)) throw error
    const isHeld = isBlockedByRow(error)
    const isNotNow = !isHeld && hasSqlState(error, ...NOT_NOW)
    if (!isNotNow && !isHeld && isRetryable(error)) throw error
    if (isHeld && wanted.length === 1) onHeld?.(wanted.join(''))
    if (isNotNow || wanted.length === 1) {
      onSkipped?.(wanted.length, error.message)
      return []
    }
    // Another transaction holds one of the names, or one cannot be stored: halve, to create the others.
    const options = { lockTimeoutMs: isHeld ? SHORT_LOCK_TIMEOUT_MS : lockTimeoutMs, onHeld, onSkipped }
    const middle = Math.ceil(wanted.length / 2)
    return [
      ...(await createGuestClients(session, wanted.slice(0, middle), options)),
      ...(await createGuestClients(session, wanted.slice(middle), options)),
    ]
  }
}

/** How long to wait for a turn. Who has it is creating clients, and commits at once. */
const LOCK_TIMEOUT_MS = 500

/** Lock time-out, deadlock, or statement_timeout: the next round looks again. */
const NOT_NOW = [SqlState.lockNotAvailable, SqlState.deadlockDetected, SqlState.queryCanceled] as const

/** First key of our advisory locks, "ckgc" in ASCII; the second key is one of the stripes. */
const LOCK_CLASS = 0x636b6763
const LOCK_STRIPES = 16

// Processes that see the same new guests at once take turns, so each sees what the previous one created: a lost race would
// use up a value of an int4 sequence.
const TAKE_TURNS = `
  SELECT pg_advisory_xact_lock(${LOCK_CLASS}, s."stripe")
  FROM (
    SELECT DISTINCT hashtext(x."username") & ${LOCK_STRIPES - 1} AS "stripe"
    FROM json_array_elements_text($1::json) AS x ("username")
    ORDER BY 1
  ) AS s`

/** Waits until no client of these names is being created, and makes others wait until the transaction ends. */
export const takeNameTurns = async (client: Queryable, usernames: readonly string[]): Promise<void> => {
  await client.query(TAKE_TURNS, [JSON.stringify(usernames)])
}

// No conflict target: a name that is taken meanwhile is not an error.
// The transaction that has a name may be an application's, open for long: the others of the turn need not wait for that.
const insertSql = (names: Names, lockTimeoutMs?: number): string => `
  WITH made AS (
    INSERT INTO ${names.client} ("username", "createdAt", "updatedAt")
    SELECT x."username", ${UTC_NOW}, ${UTC_NOW}
    FROM json_array_elements_text($1::json) AS x ("username")
    WHERE (SELECT c."id" FROM ${names.client} AS c WHERE c."username"::text = x."username" LIMIT 1) IS NULL
      AND ${aliasSql(names, 'x."username"')} IS NULL
      ${lockTimeoutMs === undefined ? '' : `AND (SELECT set_config('lock_timeout', '${lockTimeoutMs}', true) <> '')`}
    ON CONFLICT DO NOTHING
    RETURNING "id", "username"
  ), noted AS (
    INSERT INTO ${names.guestClients} ("clientId") SELECT "id" FROM made ON CONFLICT DO NOTHING
  )
  SELECT "username" FROM made`

/** Takes the locks that creating clients needs, for a moment: `createGuestClients` skips names while it cannot get them. */
export const lockForGuestClients = async (client: Queryable, names: Names): Promise<void> => {
  await client.query(insertSql(names), ['[]'])
}

const createAll = (
  session: GuestSession,
  usernames: readonly string[],
  lockTimeoutMs: number,
): Promise<readonly string[]> =>
  inTransaction(
    session.client,
    async () => {
      await takeNameTurns(session.client, usernames)
      return insert(session, usernames, lockTimeoutMs)
    },
    `${BEGIN}; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`,
  )

// Without turns in a caller's transaction: it would keep its turn until it ends, and others would wait for it.
const insert = async (
  { client, names }: GuestSession,
  usernames: readonly string[],
  lockTimeoutMs?: number,
): Promise<readonly string[]> => {
  const { rows } = await client.query<{ username: string }>(insertSql(names, lockTimeoutMs), [
    JSON.stringify(usernames),
  ])
  return rows.map(({ username }) => username)
}

/** The guests that messages name. */
export const guestNamesOf = (pending: readonly PendingSave[]): readonly string[] =>
  pending.flatMap(({ message }) => message.guestUsername ?? [])

/**
 * Creates clients for the guests of these messages.
 * @returns the messages to save now; of the others, another transaction is creating the client, or they are behind those
 */
export const createClientsOf = async (
  session: GuestSession & Pick<BatchSession, 'heldGuests'> & { readonly createdNames: Set<string> },
  open: readonly PendingSave[],
): Promise<readonly PendingSave[]> => {
  const held = new Set<string | null>()
  const own = { lockTimeoutMs: SHORT_LOCK_TIMEOUT_MS, onHeld: (username: string) => held.add(username) }
  const { heldGuests } = session
  const wanted = guestNamesOf(open).filter((username) => heldGuests?.mayBeFree(username) !== false)
  const created = await createGuestClients(session, wanted, session.transaction === 'own' ? own : {})
  for (const username of created) session.createdNames.add(username)
  const isWaiting = (one: PendingSave): boolean =>
    held.has(one.message.guestUsername) &&
    heldGuests?.isHeld(one.message.guestUsername) !== true &&
    mayWaitForClient(one)
  const waiting = open.filter(isWaiting)
  for (const one of waiting) one.heldBy = {}
  const ready = withoutBlockedSenders(open, waiting)
  for (const username of guestNamesOf(ready)) if (held.has(username)) heldGuests?.note(username)
  return ready
}
