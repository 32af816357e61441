import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { OperatorError } from '../../errors.js'
import { isConnectionFailure, isConnectionLost } from '../connection-failure.js'
import { withClient, type SessionOptions } from '../connection.js'
import type { ConnectionTarget } from '../connection-target.js'
import { escapeIdentifier } from '../identifier.js'
import { isDirect, serverProcessId } from '../pooler.js'
import { withOwnTypes } from '../session/own-types.js'
import { hasSqlState, SqlState } from '../sql-state.js'

/** Why a client of this target has no server session to itself. */
export type SharedSession =
  { readonly kind: 'shared' } | { readonly kind: 'pgpool' } | { readonly kind: 'unproven'; readonly reason: unknown }

/** How long the proof waits for each answer of the second connection. */
const PATIENCE_MS = 3_000

/** How often it is tried while the second connection gets no answer. */
const ATTEMPTS = 2

/** How long it waits for the notification, which the server sends at once. */
const NOTIFIED_MS = 2_000

/** What returns a session to a pool has done so by then. */
const RELEASE_MS = 50

/**
 * Whether a client has a server session to itself, as through a pooler in session mode. Proven with a second connection,
 * because the same process id, or a setting that is still there, shows nothing while a pool is idle: it gives out the same
 * session again and again.
 * @param client not in a transaction
 * @throws when a connection is lost
 * @returns undefined if so, and for a client that is connected to the server itself; in doubt a reason
 */
export const findSharedSession = async (
  client: Client,
  target: ConnectionTarget,
  signal?: AbortSignal,
): Promise<SharedSession | undefined> => {
  if (await isDirect(client)) return undefined
  const session: SessionOptions = { applicationName: 'chatkeep pooler check', queryTimeoutMs: PATIENCE_MS, signal }
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (await isPgpool(client)) return { kind: 'pgpool' }
      return await withClient(target, session, async (other) =>
        (await keepsSession(client, withOwnTypes(other))) ? undefined : { kind: 'shared' },
      )
    } catch (reason) {
      signal?.throwIfAborted()
      const cause = reason instanceof OperatorError ? reason.cause : reason
      // A pool without a second session answers late, or says so; a lost connection says nothing about pools.
      if (isConnectionLost(cause)) throw reason
      if (!isConnectionFailure(cause) || attempt === ATTEMPTS) return { kind: 'unproven', reason }
      // Silent: a network that has stalled is so for this client, too, and throws here, or it was for a moment.
      await serverProcessId(client)
    }
  }
}

/** Whether pgpool-II divides sessions between several servers. Only pgpool-II itself answers this statement. */
const isPgpool = async (client: Client): Promise<boolean> => {
  try {
    return (await client.query('SHOW pool_nodes')).rows.length > 1
  } catch (error) {
    if (hasSqlState(error, SqlState.undefinedObject)) return false
    throw error
  }
}

/**
 * Whether a client keeps its server session between transactions: it is still there while the other client is in one, and
 * what it sends of its own accord, a notification, arrives.
 */
const keepsSession = async (client: Client, other: Client): Promise<boolean> => {
  const pid = await serverProcessId(client)
  await other.query('BEGIN')
  if ((await serverProcessId(other)) === pid || (await serverProcessId(client)) !== pid) {
    await other.query('ROLLBACK')
    return false
  }
  return hearsNotification(client, other)
}

/** @param other in a transaction, which this commits */
const hearsNotification = async (client: Client, other: Client): Promise<boolean> => {
  const channel = escapeIdentifier(`chatkeep_${randomBytes(16).toString('hex')}`)
  const heard = new Promise<true>((resolve) => client.once('notification', () => resolve(true)))
  await client.query(hidden(`LISTEN ${channel}`))
  try {
    await delay(RELEASE_MS)
    await other.query(hidden(`NOTIFY ${channel}`))
    await other.query('COMMIT')
    return await Promise.race([heard, delay(NOTIFIED_MS, false, { ref: false })])
  } finally {
    await client.query(hidden(`UNLISTEN ${channel}`)).catch(() => undefined)
  }
}

// Some poolers answer LISTEN in the server's place, on connections of their own.
const hidden = (statement: string): string => `DO $do$ BEGIN EXECUTE '${statement}'; END $do$`
