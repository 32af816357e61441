import type { Client } from 'pg'
import { withClient } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { inTransaction } from '../database/transaction.js'
import { explainMissingSchema } from './errors.js'
import { toUsername } from './prepare-message.js'
import { resolveClient } from './resolve-client.js'
import { namesIn, type Names } from './statements.js'

export interface ReconcileOptions {
  /** Only count; the server keeps the session read-only. */
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly onProgress: (guestsDone: number, messagesLinked: number) => void
}

/** What was done, or with `dryRun` would be done, about messages without client. */
export interface ReconcileReport {
  /** Names under which there were messages without client. */
  readonly guests: number
  readonly messagesLinked: number
  readonly clientsCreated: number
  /** Messages of guests for whom no client could be found or made; they stay as they are. */
  readonly messagesLeft: number
  /** Messages that name no guest: nobody but a person can decide whose they are. */
  readonly messagesWithoutName: number
}

/** Messages a transaction: small, so that whoever marks one of them as read waits for milliseconds. */
const BATCH_ROWS = 1_000

/**
 * Links guests' messages that have no client to the client of that exact name, creating it where it is missing.
 * Safe beside live traffic, and can be stopped and repeated at any time: what is linked is no longer looked at.
 */
export const reconcile = (target: ConnectionTarget, options: ReconcileOptions): Promise<ReconcileReport> =>
  withClient(target, { applicationName: 'chatkeep reconcile', signal: options.signal }, async (client) => {
    const names = namesIn(target.schema ?? 'public')
    try {
      return options.dryRun
        ? await inTransaction(client, () => preview(client, names), 'BEGIN READ ONLY')
        : await link(client, names, options)
    } catch (error) {
      throw explainMissingSchema(error)
    }
  })

interface GuestRow {
  readonly username: string
  readonly phone: string | null
  readonly messages: number
  readonly isClient: boolean
}

const selectGuests = ({ client, message }: Names): string => `
  SELECT m."guestUsername" AS "username", min(m."guestPhone") AS "phone", count(*)::integer AS "messages",
    EXISTS (SELECT FROM ${client} AS c WHERE c."username" = m."guestUsername") AS "isClient"
  FROM ${message} AS m
  WHERE m."clientId" IS NULL AND m."guestUsername" IS NOT NULL
  GROUP BY m."guestUsername"
  ORDER BY m."guestUsername"`

const countWithoutName = async (client: Client, { message }: Names): Promise<number> => {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::integer AS "count" FROM ${message} WHERE "clientId" IS NULL AND "guestUsername" IS NULL`,
  )
  return rows[0]?.count ?? 0
}

const preview = async (client: Client, names: Names): Promise<ReconcileReport> => {
  const { rows } = await client.query<GuestRow>(selectGuests(names))
  const nameless = rows.filter(({ username }) => toUsername(username) === '')
  const sum = (guests: readonly GuestRow[]): number => guests.reduce((total, { messages }) => total + messages, 0)
  return {
    guests: rows.length,
    messagesLinked: sum(rows) - sum(nameless),
    clientsCreated: rows.filter(({ isClient }) => !isClient).length - nameless.length,
    messagesLeft: sum(nameless),
    messagesWithoutName: await countWithoutName(client, names),
  }
}

const link = async (
  client: Client,
  names: Names,
  { signal, onProgress }: ReconcileOptions,
): Promise<ReconcileReport> => {
  const { rows: guests } = await client.query<GuestRow>(selectGuests(names))
  let messagesLinked = 0
  let clientsCreated = 0
  let messagesLeft = 0
  for (const [index, guest] of guests.entries()) {
    signal.throwIfAborted()
    const guestUsername = toUsername(guest.username)
    const owner = await resolveOwner(client, names, guestUsername, guest.phone)
    if (owner.clientId === null) messagesLeft += guest.messages
    else messagesLinked += await linkMessages(client, names, guest.username, owner.clientId, signal)
    if (owner.clientCreated) clientsCreated += 1
    onProgress(index + 1, messagesLinked)
  }
  const messagesWithoutName = await countWithoutName(client, names)
  return { guests: guests.length, messagesLinked, clientsCreated, messagesLeft, messagesWithoutName }
}

const resolveOwner = async (client: Client, names: Names, guestUsername: string, guestPhone: string | null) =>
  guestUsername === ''
    ? { clientId: null, clientCreated: false }
    : resolveClient(client, names, { clientId: null, guestUsername, guestPhone })

const linkBatch = ({ message }: Names): string => `
  UPDATE ${message}
  SET "clientId" = $1
  WHERE "id" IN (
    SELECT "id"
    FROM ${message}
    WHERE "clientId" IS NULL AND "guestUsername" = $2
    ORDER BY "id"
    LIMIT ${BATCH_ROWS}
    FOR NO KEY UPDATE SKIP LOCKED)`

// What somebody else holds at this moment is skipped, and taken by the next run.
const linkMessages = async (
  client: Client,
  names: Names,
  username: string,
  clientId: number,
  signal: AbortSignal,
): Promise<number> => {
  for (let linked = 0; ;) {
    signal.throwIfAborted()
    const { rowCount } = await client.query(linkBatch(names), [clientId, username])
    linked += rowCount ?? 0
    if (rowCount === 0 || rowCount === null) return linked
  }
}
