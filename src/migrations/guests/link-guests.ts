import type { OwnClient } from '../own/own-client.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { isServerError } from '../../database/sql-state.js'
import { toUsername } from '../../persistence/prepare-message.js'
import { createGuestClient, findGuestClient } from './guest-client.js'
import { reportBatches } from '../running/batch-progress.js'
import { inBatch, type BatchOptions } from '../archive/in-batch.js'

interface Guest {
  readonly username: string
}

export const selectUnlinkedGuests = ({ archive }: OwnNames): string => `
  SELECT DISTINCT "guestUsername" AS "username"
  FROM ${archive}
  WHERE "clientId" IS NULL AND "linkedClientId" IS NULL AND "removedRow" IS NULL AND "guestUsername" IS NOT NULL`

// MATERIALIZED forces a lookup of each message by id. Before the first ANALYZE with guests, the planner expects very few
// messages without a client, and would scan all of them for each guest.
export const linkMessages = ({ archive, message }: OwnNames, clientId = '$1', username = '$2'): string => `
  WITH wanted AS MATERIALIZED (
    SELECT "messageId"
    FROM ${archive}
    WHERE "guestUsername" = ${username} AND "clientId" IS NULL AND "linkedClientId" IS NULL
  ), linked AS (
    UPDATE ${message} AS m
    SET "clientId" = ${clientId}
    FROM wanted
    WHERE m."id" = wanted."messageId" AND (m."clientId" IS NULL) IS TRUE
    RETURNING m."id"
  )
  UPDATE ${archive} AS a
  SET "linkedClientId" = ${clientId}
  FROM linked
  WHERE a."messageId" = linked."id"`

export const keepCreatedClient = ({ archivedClients, client }: OwnNames, clientId = '$1'): string => `
  INSERT INTO ${archivedClients} ("clientId", "row")
  SELECT "id", pg_catalog.to_json(c)
  FROM ${client} AS c
  WHERE "id" = ${clientId}`

/**
 * Links every guest's messages to the client of that name, or to a new one, which the archive records. One transaction per
 * guest. `removeOrphans` handles names that cannot become a client.
 */
export const linkGuests = async (client: OwnClient, { signal, onEvent, replicas }: BatchOptions): Promise<void> => {
  const { rows: guests } = await client.query<Guest>(selectUnlinkedGuests(client.own))
  const report = reportBatches('linking guests to clients', guests.length, onEvent)
  for (const [index, guest] of guests.entries()) {
    report(index)
    await replicas.betweenBatches(client)
    try {
      await linkGuest(client, signal, guest)
    } catch (error) {
      if (!isRefusedRow(error)) throw error
    }
  }
}

const linkGuest = async (client: OwnClient, signal: AbortSignal, { username }: Guest): Promise<void> => {
  const name = toUsername(username)
  if (name === '') return
  const known = await findGuestClient(client, name)
  await inBatch(client, signal, async () => {
    const owner = known ?? (await createGuestClient(client, name))
    if (owner === undefined) return
    if (owner.created) await client.query(keepCreatedClient(client.own), [owner.id])
    await client.query(linkMessages(client.own), [owner.id, username])
  })
}

/** SQLSTATEs, as a regular expression. */
export const REFUSED_ROW = '^(22|23|44|P0)'

// The application's rules can reject such a client: data exception, constraint, check option, error raised by a trigger.
const isRefusedRow = (error: unknown): boolean => isServerError(error) && new RegExp(REFUSED_ROW).test(error.code)

const removeWhere = ({ archive, message }: OwnNames, condition: string): string => `
  WITH gone AS (
    DELETE FROM ${message} AS m
    USING ${archive} AS a
    WHERE a."messageId" = m."id" AND m."clientId" IS NULL
      AND a."clientId" IS NULL AND a."linkedClientId" IS NULL AND a."removedRow" IS NULL AND ${condition}
    RETURNING m."id", pg_catalog.to_json(m) AS "row"
  )
  UPDATE ${archive} AS a
  SET "removedRow" = gone."row"
  FROM gone
  WHERE a."messageId" = gone."id"`

export const removeAllOrphans = (names: OwnNames): string => removeWhere(names, 'true')

const removeNameless = (names: OwnNames): string => removeWhere(names, `nullif(btrim(a."guestUsername"), '') IS NULL`)

/**
 * Moves whole messages that can get no client to the archive, because the older schema cannot hold them.
 * @param which `nameless` while guests can still write: a message with a name is new, and will be linked
 */
export const removeOrphans = async (
  client: OwnClient,
  which: 'nameless' | 'all',
  signal: AbortSignal,
): Promise<void> => {
  await inBatch(client, signal, () => client.query((which === 'all' ? removeAllOrphans : removeNameless)(client.own)))
}

const selectGuestsToLink = ({ message }: OwnNames): string => `
  SELECT DISTINCT m."guestUsername" AS "username"
  FROM ${message} AS m
  WHERE m."clientId" IS NULL AND m."guestUsername" IS NOT NULL`

/** Rolls a trial back. Only the sequence values of new clients are used up. */
class TrialOver extends Error {}

/**
 * Tries to link every guest without a client, and rolls each trial back.
 * @returns the guest names that cannot become a client
 */
export const findUnlinkableGuests = async (client: OwnClient, signal: AbortSignal): Promise<readonly string[]> => {
  const { rows: guests } = await client.query<Guest>(selectGuestsToLink(client.own))
  const unlinkable: string[] = []
  for (const { username } of guests) {
    if (!(await canLink(client, signal, username))) unlinkable.push(username)
  }
  return unlinkable
}

const canLink = async (client: OwnClient, signal: AbortSignal, username: string): Promise<boolean> => {
  const name = toUsername(username)
  if (name === '') return false
  if ((await findGuestClient(client, name)) !== undefined) return true
  let isFound = false
  try {
    await inBatch(client, signal, async () => {
      isFound = (await createGuestClient(client, name)) !== undefined
      throw new TrialOver()
    })
  } catch (error) {
    if (error instanceof TrialOver) return isFound
    if (isRefusedRow(error)) return false
    throw error
  }
  return isFound
}
