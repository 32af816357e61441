import type { Client } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { askInHalves } from '../../database/encoding/ask-in-halves.js'
import { onlyRow } from '../../database/rows.js'
import { clientOfNameSql, isRegisteredSql } from '../follow-clients.js'
import { createGuestClients, lockForGuestClients } from '../guest-clients.js'
import { toUsername } from '../prepare-message.js'
import { UNLINKED, type Names } from '../sql-names.js'

/** Guest names a page. */
const PAGE_GUESTS = 500

/** Messages a transaction: few, so that another session that marks one of them as read waits only milliseconds. */
export const BATCH_MESSAGES = 1_000

/** A guest name as stored in messages without client. */
export interface Guest {
  readonly written: string
  /** The form in which a client has it; empty when it is not a valid name. */
  readonly username: string
  readonly messages: number
  /** Of these, the guest's own messages; the others are answers. */
  readonly fromClient: number
}

/** What was done, or would be done, for the messages of guests. */
export interface LinkedByName {
  readonly messagesLinked: number
  readonly messagesUnverified: number
  readonly clientsCreated: number
  readonly messagesLeft: number
  readonly reasonsLeft: readonly string[]
  readonly messagesLocked: number
  /** That a trigger keeps as they are: at least so many. */
  readonly messagesKept: number
}

/** Processes a page of guests. */
export type Step = (
  client: Queryable,
  names: Names,
  guests: readonly Guest[],
  onLinked: (messages: number) => void,
) => Promise<LinkedByName>

/**
 * The next page of guests with messages without client.
 * @param except SQL for messages that do not count
 */
export const selectGuests = async (
  client: Queryable,
  { message }: Names,
  after: string | null,
  except: string,
): Promise<readonly Guest[]> => {
  const { rows } = await client.query<Omit<Guest, 'username'>>(
    `SELECT "guestUsername" AS "written", count(*)::integer AS "messages",
       (count(*) FILTER (WHERE "senderType" OPERATOR(pg_catalog.=) 'CLIENT'))::integer AS "fromClient"
     FROM ${message}
     WHERE ${UNLINKED} AND ${after === null ? '"guestUsername" IS NOT NULL' : '"guestUsername"::text > $1'}
       AND (${except}) IS NOT TRUE
     GROUP BY "guestUsername"
     ORDER BY "guestUsername"
     LIMIT ${PAGE_GUESTS}`,
    after === null ? [] : [after],
  )
  return rows.map((row) => ({ ...row, username: toUsername(row.written) }))
}

const countMessages = (guests: readonly Guest[]): number => guests.reduce((sum, { messages }) => sum + messages, 0)

const BLANK = 'the name of the guest is blank'
const TAKEN = 'a unique index of "Client" takes the name for that of another client, such as one in other capitals'

/** Counts what `link` would do. Remembers the clients that it would create: the next page may have another form of the same name. */
export const createPreview = (): Step => {
  const created = new Set<string>()
  return async (client, names, guests) => {
    const named = guests.filter(({ username }) => username !== '')
    const isRegistered = await selectClients(client, names, named)
    const createdBefore = created.size
    for (const { username } of named) if (!isRegistered.has(username)) created.add(username)
    const unverified = named.filter(({ username }) => isRegistered.get(username) === true)
    return {
      messagesLinked: countMessages(named),
      messagesUnverified: unverified.reduce((sum, { fromClient }) => sum + fromClient, 0),
      clientsCreated: created.size - createdBefore,
      messagesLeft: countMessages(guests) - countMessages(named),
      reasonsLeft: named.length < guests.length ? [BLANK] : [],
      messagesLocked: 0,
      messagesKept: 0,
    }
  }
}

/** To whom these names belong, and whether that client is registered (not created from a guest). */
const selectClients = async (
  client: Queryable,
  names: Names,
  guests: readonly Guest[],
): Promise<ReadonlyMap<string, boolean>> => {
  const usernames = guests.map(({ username }) => username)
  const rows = await askInHalves(usernames, async (some) => {
    const { rows } = await client.query<{ username: string; registered: boolean }>(
      `SELECT x."username", ${isRegisteredSql(names, 'c."id"')} AS "registered"
       FROM unnest($1::text[]) AS x ("username")
       JOIN ${names.client} AS c ON c."id" = ${clientOfNameSql(names, 'x."username"')}`,
      [some],
    )
    return rows
  })
  return new Map(rows.map(({ username, registered }) => [username, registered]))
}

// Creating clients has transactions and time-outs of its own.
export const linkWith =
  (session: Client): Step =>
  async (client, names, guests, onLinked) => {
    const named = guests.filter(({ username }) => username !== '')
    await lockForGuestClients(client, names)
    const reasons = new Set(named.length < guests.length ? [BLANK] : [])
    let skipped = 0
    const wanted = named.map(({ username }) => username)
    const created = await createGuestClients({ transaction: 'own', client: session, names }, wanted, {
      onSkipped: (names, reason) => {
        skipped += names
        reasons.add(reason)
      },
    })
    const isRegistered = await selectClients(client, names, named)
    const linkable = named.filter(({ username }) => isRegistered.has(username))
    let messagesLinked = 0
    let messagesUnverified = 0
    let messagesKept = 0
    for (;;) {
      const { found, linked, unverified } = onlyRow(
        await client.query<LinkedBatch>(linkSql(names), [JSON.stringify(linkable)]),
      )
      // The next batch would find the same messages.
      messagesKept = found - linked
      if (linked === 0) break
      messagesLinked += linked
      messagesUnverified += unverified
      onLinked(messagesLinked)
    }
    return {
      messagesLinked,
      messagesUnverified,
      clientsCreated: created.length,
      messagesLeft: countMessages(guests) - countMessages(linkable),
      // Of names that were neither skipped nor created, ON CONFLICT DO NOTHING disposed.
      reasonsLeft: [...reasons, ...(linkable.length + skipped < named.length ? [TAKEN] : [])],
      messagesLocked: await countUnlinked(client, names, linkable),
      messagesKept,
    }
  }

interface LinkedBatch {
  readonly found: number
  readonly linked: number
  readonly unverified: number
}

// Oldest first. SKIP LOCKED: messages that another transaction holds are left to the next run.
const linkSql = (names: Names): string => `
  WITH batch AS MATERIALIZED (
    SELECT m."id", c."id" AS "clientId",
      m."senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND ${isRegisteredSql(names, 'c."id"')} AS "unverified"
    FROM json_to_recordset($1::json) AS x ("written" text, "username" text)
    JOIN ${names.client} AS c ON c."id" = ${clientOfNameSql(names, 'x."username"')}
    CROSS JOIN LATERAL (
      SELECT "id", "senderType"
      FROM ${names.message}
      WHERE ${UNLINKED} AND "guestUsername"::text = x."written"
      ORDER BY "createdAt", "id"
      LIMIT ${BATCH_MESSAGES}
      FOR NO KEY UPDATE SKIP LOCKED
    ) AS m
    LIMIT ${BATCH_MESSAGES}
  ), updated AS (
    UPDATE ${names.message} AS m
    SET "clientId" = batch."clientId", "guestUnverified" = batch."unverified"
    FROM batch
    WHERE m."id" = batch."id"
    RETURNING m."clientId", m."guestUnverified"
  )
  SELECT (SELECT count(*)::integer FROM batch) AS "found", count(*)::integer AS "linked",
    count(*) FILTER (WHERE "guestUnverified")::integer AS "unverified"
  FROM updated
  WHERE "clientId" IS NOT NULL`

const countUnlinked = async (client: Queryable, { message }: Names, guests: readonly Guest[]): Promise<number> => {
  const { count } = onlyRow(
    await client.query<{ count: number }>(
      `SELECT count(*)::integer AS "count" FROM ${message} WHERE ${UNLINKED} AND "guestUsername"::text = ANY ($1::text[])`,
      [guests.map(({ written }) => written)],
    ),
  )
  return count
}
