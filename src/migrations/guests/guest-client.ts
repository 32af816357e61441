import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnClient } from '../own/own-client.js'
import type { StoredId } from '../../persistence/ids/ids.js'
import { clientOfNameSql } from '../../persistence/follow-clients.js'
import { UTC_NOW } from '../../persistence/sql-names.js'

/** The client for a guest's name, and whether it was just created. */
export interface GuestClient {
  readonly id: StoredId
  readonly created: boolean
}

/** Other sessions can take or free a name between our statements; give up after this many rounds. */
const MAX_ROUNDS = 3

/**
 * The client to whom what is written under a name belongs, as in a save: also one that had the name before it was renamed, and
 * the one into which its client was merged.
 * @param name SQL of the name
 */
export const selectClient = (names: OwnNames, name = '$1'): string =>
  `SELECT "id" FROM ${names.client} WHERE "id" = ${clientOfNameSql(names, name)}`

// Without the guest's phone, which nobody has proved: it stays in the archive. No conflict target, so a name taken concurrently
// is not an error.
export const insertClient = ({ client }: OwnNames, name = '$1'): string => `
  INSERT INTO ${client} ("username", "createdAt", "updatedAt")
  VALUES (${name}, ${UTC_NOW}, ${UTC_NOW})
  ON CONFLICT DO NOTHING
  RETURNING "id"`

// A name that another session has just taken.
const selectHolder = ({ client }: OwnNames): string => `SELECT "id" FROM ${client} WHERE "username"::text = $1`

/**
 * Finds the client to whom a guest's messages belong. Outside of the transaction that links them: the tables of former names stay
 * unlocked while that one waits for a writer. They are there: a rollback starts by creating them.
 */
export const findGuestClient = async (client: OwnClient, username: string): Promise<GuestClient | undefined> => {
  const { rows } = await client.query<{ id: StoredId }>(selectClient(client.own), [username])
  return rows[0] && { id: rows[0].id, created: false }
}

/**
 * Creates the client of a name that nobody had, or finds the one that another session created meanwhile. For rollbacks only: it
 * uses no column that the guest-chat update added, because an interrupted rollback may have dropped it.
 * @returns undefined if other sessions kept changing the client
 */
export const createGuestClient = async (client: OwnClient, username: string): Promise<GuestClient | undefined> => {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const inserted = await client.query<{ id: StoredId }>(insertClient(client.own), [username])
    if (inserted.rows[0] !== undefined) return { id: inserted.rows[0].id, created: true }
    const taken = await client.query<{ id: StoredId }>(selectHolder(client.own), [username])
    if (taken.rows[0] !== undefined) return { id: taken.rows[0].id, created: false }
  }
  return undefined
}
