import type { Queryable } from '../../database/connection.js'
import { UTC_NOW } from '../../persistence/sql-names.js'

/** The client of a guest's name, and whether it was made just now. */
export interface GuestClient {
  readonly id: number
  readonly created: boolean
}

/** A name can be taken or freed by others between our statements; after this many rounds it is left as it is. */
const MAX_ROUNDS = 3

const SELECT_CLIENT = `SELECT "id" FROM "Client" WHERE "username" = $1`

// Without a conflict target, so that a phone taken in this very moment is no error either.
export const INSERT_CLIENT = `
  INSERT INTO "Client" ("username", "phone", "createdAt", "updatedAt")
  SELECT $1, CASE WHEN NOT EXISTS (SELECT FROM "Client" WHERE "phone" = $2) THEN $2 END, ${UTC_NOW}, ${UTC_NOW}
  ON CONFLICT DO NOTHING
  RETURNING "id"`

/**
 * Finds the client of that exact name, or makes one, with the phone when it is free. For the way back only: it uses
 * nothing that the guest-chat update added, since a rollback that was cut may have taken it away already.
 * Expects our schema first in the search path.
 * @returns undefined when others changed the client again and again
 */
export const findOrCreateClient = async (
  client: Queryable,
  username: string,
  phone: string | null,
): Promise<GuestClient | undefined> => {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const known = await client.query<{ id: number }>(SELECT_CLIENT, [username])
    if (known.rows[0] !== undefined) return { id: known.rows[0].id, created: false }
    // From the second round on the phone is suspected to be the conflict; it stays on the message in any case.
    const made = await client.query<{ id: number }>(INSERT_CLIENT, [username, round === 1 ? phone : null])
    if (made.rows[0] !== undefined) return { id: made.rows[0].id, created: true }
  }
  return undefined
}
