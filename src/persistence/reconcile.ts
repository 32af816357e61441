import type { Client } from 'pg'
import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { askInHalves } from '../database/encoding/ask-in-halves.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { pinTransaction } from '../database/pinned-settings.js'
import { refuseReadOnly } from '../database/read-only.js'
import { onlyRow } from '../database/rows.js'
import { BEGIN, inTransaction } from '../database/transaction.js'
import { withSavepoints } from '../database/encoding/savepoints.js'
import {
  READ_LOCK_TIMEOUT_MS,
  retryWhileLocked,
  withLockWaits,
  type LockWaitOptions,
} from '../database/waiting/lock-attempts.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { interruptedBy, OperatorError, withDetail } from '../errors.js'
import { explainMissingSchema } from './errors.js'
import { refuseHiddenRows } from './access/hidden-rows.js'
import { createGuestClients, lockForGuestClients } from './guest-clients.js'
import { clientOfNameSql, isRegisteredSql } from './follow-clients.js'
import { describeServerRole } from '../database/replication/describe-server-role.js'
import { STANDBY_COLUMNS, type StandbyState } from '../database/replication/replication-state.js'
import { toUsername } from './prepare-message.js'
import { namesIn, UNLINKED, type Names } from './sql-names.js'
import { again } from '../next-step.js'

export interface ReconcileOptions extends Pick<LockWaitOptions, 'maxWait' | 'signal' | 'onEvent'> {
  /** Only count, in a read-only transaction. */
  readonly dryRun: boolean
  readonly onProgress: (guestsDone: number, messagesLinked: number) => void
}

/** What was done, or with `dryRun` would be done, for messages without client. */
export interface ReconcileReport {
  /** Guest names of messages without client. */
  readonly guests: number
  readonly messagesLinked: number
  /** Of these, the messages under the name of a registered client, who may not have written them. */
  readonly messagesUnverified: number
  readonly clientsCreated: number
  /** Messages of guests whose client could not be found or created; they stay unchanged. */
  readonly messagesLeft: number
  /** Why: different reasons, the first few. */
  readonly reasonsLeft: readonly string[]
  /** Messages that another transaction had locked; the next run links them. */
  readonly messagesLocked: number
  /** Messages without guest name: only a person can decide whose they are. */
  readonly messagesWithoutName: number
  /** The standby on which a dry run counted, such as `standby, 3 s behind`; absent on a primary. */
  readonly standby?: string
}

/** Linking fires the application's triggers, which may need its settings. */
const PINS = 'rows'

/** Guest names a page. */
const PAGE_GUESTS = 500

/** Messages a transaction: few, so that another session that marks one of them as read waits only milliseconds. */
const BATCH_MESSAGES = 1_000

/**
 * Links guests' messages without client to the client of exactly that name, and creates the client if there is none.
 * Safe during live traffic. Can be stopped and repeated at any time: linked messages are skipped.
 */
export const reconcile = (target: ConnectionTarget, options: ReconcileOptions): Promise<ReconcileReport> => {
  const { dryRun, signal, onEvent } = options
  const session = { applicationName: 'chatkeep reconcile', signal, pins: PINS } as const
  return withWatchedClient(target, session, { showQueries: false, onEvent }, async (watched, client) => {
    const schema = target.schema ?? 'public'
    const names = namesIn(schema)
    const waits = { ...options, lockTimeoutMs: READ_LOCK_TIMEOUT_MS }
    try {
      await refuseMissingSchema(client, schema)
      await refuseHiddenRows(client, schema)
      if (!dryRun) await refuseReadOnly(client)
      if (!dryRun) return await reconcileAll(withLockWaits(watched, PINS, waits), names, options, linkWith(client))
      const counted = await retryWhileLocked(watched, waits, () =>
        inTransaction(
          watched,
          () => reconcileAll(withSavepoints(watched), names, options, createPreview()),
          BEGIN_DRY_RUN,
        ),
      )
      const server = onlyRow(await client.query<StandbyState>(`SELECT ${STANDBY_COLUMNS}`))
      return server.isStandby ? { ...counted, standby: describeServerRole(server) } : counted
    } catch (error) {
      throw explainMissingSchema(error)
    }
  })
}

const BEGIN_DRY_RUN = `${BEGIN} READ ONLY; ${pinTransaction(PINS)}; SET LOCAL lock_timeout = ${READ_LOCK_TIMEOUT_MS}`

/** A guest name as stored in messages without client. */
interface Guest {
  readonly written: string
  /** The form in which a client has it; empty when it is not a valid name. */
  readonly username: string
  readonly messages: number
  /** Of these, the guest's own messages; the others are answers. */
  readonly fromClient: number
}

type Done = Omit<ReconcileReport, 'guests' | 'messagesWithoutName' | 'standby'>

/** Processes a page of guests. */
type Step = (
  client: Queryable,
  names: Names,
  guests: readonly Guest[],
  onLinked: (messages: number) => void,
) => Promise<Done>

const reconcileAll = async (
  client: Queryable,
  names: Names,
  { signal, onProgress }: ReconcileOptions,
  step: Step,
): Promise<ReconcileReport> => {
  let guests = 0
  let linkedSoFar = 0
  let sum: Done = {
    messagesLinked: 0,
    messagesUnverified: 0,
    clientsCreated: 0,
    messagesLeft: 0,
    reasonsLeft: [],
    messagesLocked: 0,
  }
  try {
    for (let after: string | null = null; ;) {
      const page = await selectGuests(client, names, after)
      if (page.length === 0) break
      const linkedBefore = sum.messagesLinked
      const done = await step(client, names, page, (messages) => {
        linkedSoFar = linkedBefore + messages
        signal.throwIfAborted()
        onProgress(guests, linkedSoFar)
      })
      sum = add(sum, done)
      guests += page.length
      onProgress(guests, sum.messagesLinked)
      signal.throwIfAborted()
      after = page.at(-1)?.written ?? null
    }
    return { guests, ...sum, messagesWithoutName: await countWithoutName(client, names) }
  } catch (error) {
    const linked = Math.max(linkedSoFar, sum.messagesLinked)
    if (signal.aborted) throw interrupted(signal, error, linked)
    throw error instanceof OperatorError ? withDetail(error, linkedState(linked)) : error
  }
}

const linkedState = (messages: number): string => `state: ${messages} messages are linked`

const interrupted = (signal: AbortSignal, cause: unknown, messagesLinked: number): OperatorError =>
  interruptedBy(signal, (ended) => `reconcile was ${ended}`, {
    details: [linkedState(messagesLinked)],
    hint: again('', 'it continues where it stopped'),
    cause,
  })

const MOST_REASONS = 3

const add = (a: Done, b: Done): Done => ({
  messagesLinked: a.messagesLinked + b.messagesLinked,
  messagesUnverified: a.messagesUnverified + b.messagesUnverified,
  clientsCreated: a.clientsCreated + b.clientsCreated,
  messagesLeft: a.messagesLeft + b.messagesLeft,
  reasonsLeft: [...new Set([...a.reasonsLeft, ...b.reasonsLeft])].slice(0, MOST_REASONS),
  messagesLocked: a.messagesLocked + b.messagesLocked,
})

const selectGuests = async (client: Queryable, { message }: Names, after: string | null): Promise<readonly Guest[]> => {
  const { rows } = await client.query<Omit<Guest, 'username'>>(
    `SELECT "guestUsername" AS "written", count(*)::integer AS "messages",
       (count(*) FILTER (WHERE "senderType" OPERATOR(pg_catalog.=) 'CLIENT'))::integer AS "fromClient"
     FROM ${message}
     WHERE ${UNLINKED} AND ${after === null ? '"guestUsername" IS NOT NULL' : '"guestUsername"::text > $1'}
     GROUP BY "guestUsername"
     ORDER BY "guestUsername"
     LIMIT ${PAGE_GUESTS}`,
    after === null ? [] : [after],
  )
  return rows.map((row) => ({ ...row, username: toUsername(row.written) }))
}

const countWithoutName = async (client: Queryable, { message }: Names): Promise<number> => {
  const { count } = onlyRow(
    await client.query<{ count: number }>(
      `SELECT count(*)::integer AS "count" FROM ${message} WHERE ${UNLINKED} AND "guestUsername" IS NULL`,
    ),
  )
  return count
}

const countMessages = (guests: readonly Guest[]): number => guests.reduce((sum, { messages }) => sum + messages, 0)

const BLANK = 'the name of the guest is blank'
const TAKEN = 'a unique index of "Client" takes the name for that of another client, such as one in other capitals'

/** Counts what `link` would do. Remembers the clients that it would create: the next page may have another form of the same name. */
const createPreview = (): Step => {
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
const linkWith =
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
    for (;;) {
      const { linked, unverified } = onlyRow(
        await client.query<{ linked: number; unverified: number }>(linkSql(names), [JSON.stringify(linkable)]),
      )
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
    }
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
  ), linked AS (
    UPDATE ${names.message} AS m
    SET "clientId" = batch."clientId", "guestUnverified" = batch."unverified"
    FROM batch
    WHERE m."id" = batch."id"
    RETURNING m."guestUnverified"
  )
  SELECT count(*)::integer AS "linked", count(*) FILTER (WHERE "guestUnverified")::integer AS "unverified" FROM linked`

const countUnlinked = async (client: Queryable, { message }: Names, guests: readonly Guest[]): Promise<number> => {
  const { count } = onlyRow(
    await client.query<{ count: number }>(
      `SELECT count(*)::integer AS "count" FROM ${message} WHERE ${UNLINKED} AND "guestUsername"::text = ANY ($1::text[])`,
      [guests.map(({ written }) => written)],
    ),
  )
  return count
}
