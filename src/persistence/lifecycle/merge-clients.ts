import { ANYTHING, checkOptions, oneOf, type Rules } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { hasSqlState, SqlState, type ServerError } from '../../database/sql-state.js'
import { InvalidCall } from '../errors.js'
import { sayingHowFar } from '../erasure/done-so-far.js'
import { refuseKeptMessages, type ChangedBatch } from '../erasure/kept-rows.js'
import { CLIENT_ALIASES, MERGED_CLIENTS, MOVED_MESSAGES, ownSchema } from '../own-names.js'
import type { Names } from '../sql-names.js'
import { checkClientId, LOCK_TIMEOUT_MS, type ChangeSession, type Need } from './change.js'
import { differencesOf, type ClientDifference } from './client-differences.js'
import { MergeRefused } from './lifecycle-errors.js'
import { lockForMerge } from './lock-for-merge.js'
import { moveReference, readReferences, referenceName, referencesTo, type ClientReference } from './references.js'
import { addAliasSql, isGuestName } from './rename-client.js'

export interface ClientMerge {
  /** The client whose messages move. Its row stays, without messages. */
  readonly from: number
  /** The client who has them afterwards. */
  readonly into: number
  /**
   * What happens to rows of other tables that refer to `from` by a foreign key: with `refuse`, the default, such a row refuses
   * the merge; with `keep` they go on to refer to it; with `move` they refer to `into`.
   */
  readonly references?: 'refuse' | 'keep' | 'move' | undefined
}

export interface MergedClients {
  readonly from: number
  readonly into: number
  /** How many messages were moved: at least, if a connection broke before an answer. */
  readonly messages: number
  /** How many rows of other tables were moved, likewise at least, by column, such as `"Order"."clientId"`. */
  readonly references: Readonly<Record<string, number>>
  /** What `from` has in its row that `into` has not, or has otherwise: both rows stay as they are. */
  readonly differences: readonly ClientDifference[]
}

/** Messages of one transaction: few, so that nobody waits for them for long. */
const BATCH_MESSAGES = 1_000

/**
 * Gives the messages of one client to another. What comes for the first one afterwards, by id or by name, is the other's. Up to
 * a thousand messages are moved in the same transaction, further ones after it, a thousand at a time; the same call goes on
 * with a merge that was interrupted.
 * @throws ClientNotFound, ClientMerged, MergeRefused, OperatorError `rows_kept`
 */
export const mergeClients = async (session: ChangeSession, merge: ClientMerge): Promise<MergedClients> => {
  checkMerge(merge)
  const references = await session.inChange([], (client) => readReferences(client, session.schema))
  const needed = needs(session.schema, references, merge.references)
  const { isDone, ...merged } = await session.inChange(needed, (client) =>
    mergeOnce(session, client, merge, references),
  )
  let { messages } = merged
  for (let moved = isDone ? 0 : BATCH_MESSAGES; moved >= BATCH_MESSAGES; messages += moved)
    moved = await sayingHowFar(
      () => messages,
      'moved',
      () => session.inChange(needed, (client) => moveMessages(client, session.names, merge)),
    )
  return { ...merged, messages }
}

const RULES: Rules<ClientMerge> = { from: ANYTHING, into: ANYTHING, references: oneOf('refuse', 'keep', 'move') }

const checkMerge = (merge: ClientMerge): void => {
  checkOptions('the merge', merge, RULES)
  const { from, into } = merge
  checkClientId('from', from)
  checkClientId('into', into)
  if (from === into) throw new InvalidCall('invalid_contact', `from and into are the same client, ${from}`)
}

const needs = (
  schema: string,
  references: readonly ClientReference[],
  what: ClientMerge['references'] = 'refuse',
): readonly Need[] => {
  const own = ownSchema(schema)
  const ofReference = { refuse: ['SELECT'], keep: [], move: ['SELECT', 'UPDATE'] }[what]
  return [
    { schema, table: 'ChatMessage', privileges: ['SELECT', 'UPDATE'] },
    { schema, table: 'Client', privileges: ['SELECT', 'UPDATE'] },
    { schema: own, table: CLIENT_ALIASES, privileges: ['SELECT', 'INSERT', 'UPDATE'] },
    { schema: own, table: MERGED_CLIENTS, privileges: ['SELECT', 'INSERT', 'UPDATE'] },
    { schema: own, table: MOVED_MESSAGES, privileges: ['INSERT'] },
    ...references.map(({ schema, table }) => ({ schema, table, privileges: ofReference })),
  ]
}

interface FirstPart extends MergedClients {
  /** Whether no message is left. */
  readonly isDone: boolean
}

/** How long a merge waits for its turn: nobody but other merges waits behind it. */
const TURN_TIMEOUT_MS = 2_000

/** While this lock is waited for, saves wait behind it. */
const SHARED_LOCK_TIMEOUT_MS = 100

const mergeOnce = async (
  { names, schema }: ChangeSession,
  client: Queryable,
  merge: ClientMerge,
  references: readonly ClientReference[],
): Promise<FirstPart> => {
  const { from, into } = merge
  // Before the table is read: two merges that have read it would each wait for the other to release it.
  await client.query(`SET LOCAL lock_timeout = ${TURN_TIMEOUT_MS}`)
  await client.query(`LOCK TABLE ${names.mergedClients} IN SHARE UPDATE EXCLUSIVE MODE`)
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
  const { loser, winner } = await lockForMerge(client, names, merge)
  const counts = await settleReferences(client, schema, merge, references)
  const before = await moveMessages(client, names, merge)
  // Every save reads this table: those under way are waited for, and those that wait for it find the merge.
  await client.query(`SET LOCAL lock_timeout = ${SHARED_LOCK_TIMEOUT_MS}`)
  await client.query(`LOCK TABLE ${names.mergedClients} IN ACCESS EXCLUSIVE MODE`)
  const meanwhile = before < BATCH_MESSAGES ? await moveMessages(client, names, merge) : 0
  for (const sql of noteMerge(names)) await client.query(sql, [from, into])
  if (isGuestName(loser.username)) await client.query(addAliasSql(names), [loser.username, into])
  return {
    ...{ from, into, messages: before + meanwhile, references: counts },
    differences: differencesOf(loser.row, winner.row),
    isDone: Math.max(before, meanwhile) < BATCH_MESSAGES,
  }
}

/** Refuses or moves rows that refer to the loser. */
const settleReferences = async (
  client: Queryable,
  schema: string,
  { from, into, references: way = 'refuse' }: ClientMerge,
  references: readonly ClientReference[],
): Promise<Readonly<Record<string, number>>> => {
  if (way === 'keep') return {}
  const found = await referencesTo(client, references, from)
  if (way === 'refuse' && found.length > 0) throw referred(from, into, found, schema)
  const counts: [string, number][] = []
  for (const reference of found)
    counts.push([
      referenceName(reference, schema),
      await moveReference(client, reference, from, into).catch((error: unknown) => {
        throw isTaken(error) ? unmovable(from, into, referenceName(reference, schema), error) : error
      }),
    ])
  return Object.fromEntries(counts)
}

const isTaken = (error: unknown): error is ServerError =>
  hasSqlState(error, SqlState.uniqueViolation, SqlState.exclusionViolation)

const unmovable = (from: number, into: number, column: string, { constraint, message }: ServerError): MergeRefused =>
  new MergeRefused(`${column} cannot be moved: client ${into} has a row that excludes one of client ${from}`, {
    details: [`${constraint === undefined ? '' : `constraint ${constraint}: `}${message}`],
    hint: `delete or change one of the two rows, or pass references: 'keep' to leave them as they are`,
  })

const referred = (from: number, into: number, found: readonly ClientReference[], schema: string): MergeRefused =>
  new MergeRefused(`rows of other tables refer to client ${from}`, {
    details: found.map((reference) => referenceName(reference, schema)),
    hint: `pass references: 'move' to make them refer to client ${into}, or 'keep' to leave them as they are`,
  })

// In the order of the history, which an index has. Who marks messages as read locks them in nearly the same order. What is moved after
// the merge is dated as the merge: since then what is of the one client counts as the other's.
const moveSql = ({ message, movedMessages, mergedClients }: Names): string => `
  WITH found AS MATERIALIZED (
    SELECT m."id" FROM ${message} AS m
    WHERE m."clientId" = $1::bigint
    ORDER BY m."createdAt", m."id"
    LIMIT ${BATCH_MESSAGES}
    FOR NO KEY UPDATE
  ), updated AS (
    UPDATE ${message}
    SET "clientId" = $2::bigint
    WHERE "id" = ANY (ARRAY(SELECT "id" FROM found))
    RETURNING "id", "clientId"
  ), moved AS (
    SELECT "id" FROM updated WHERE "clientId" IS DISTINCT FROM $1::bigint
  ), noted AS (
    INSERT INTO ${movedMessages} ("clientId", "intoClientId", "at", "messageIds")
    SELECT $1::bigint, $2::bigint, coalesce((SELECT "at" FROM ${mergedClients} WHERE "clientId" = $1::bigint), now()),
      pg_catalog.array_agg("id")
    FROM moved HAVING count(*) > 0
  )
  SELECT (SELECT count(*)::integer FROM found) AS "found", (SELECT count(*)::integer FROM moved) AS "changed"`

const moveMessages = async (client: Queryable, names: Names, { from, into }: ClientMerge): Promise<number> => {
  const batch = onlyRow(await client.query<ChangedBatch>(moveSql(names), [from, into]))
  await refuseKeptMessages(client, names.message, batch)
  return batch.changed
}

// Whom the loser had taken in, and who had its former names, is the winner's as well: one look-up is enough.
const noteMerge = ({ mergedClients, clientAliases }: Names): readonly string[] => [
  `INSERT INTO ${mergedClients} ("clientId", "intoClientId") VALUES ($1::bigint, $2::bigint) ON CONFLICT DO NOTHING`,
  `UPDATE ${mergedClients} SET "intoClientId" = $2::bigint WHERE "intoClientId" = $1::bigint`,
  `UPDATE ${clientAliases} SET "clientId" = $2::bigint WHERE "clientId" = $1::bigint`,
]
