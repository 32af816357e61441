import type { Queryable } from '../database/connection.js'
import { isServerError } from '../database/sql-state.js'
import type { PreparedMessage } from './prepare-message.js'
import { isRetryable } from './retry.js'
import { UTC_NOW, type Names } from './statements.js'

/** The part of a message that says whose it is. */
type Sender = Pick<PreparedMessage, 'clientId' | 'guestUsername' | 'guestPhone'>

export interface ResolvedClient {
  readonly clientId: number | null
  readonly clientCreated: boolean
}

const NOBODY: ResolvedClient = { clientId: null, clientCreated: false }

/** A name can be taken or freed by others between our statements; after this many rounds the message goes without client. */
const MAX_ROUNDS = 3

/**
 * Finds the client a message belongs to: by id, else by the guest's exact name, else a new one for that name.
 * Whatever fails here must not cost the message, so all but a dead database ends in "nobody".
 * Looks before it inserts: a sequence value that is burnt per message would exhaust int4.
 */
export const resolveClient = async (db: Queryable, names: Names, message: Sender): Promise<ResolvedClient> => {
  const { clientId, guestUsername, guestPhone } = message
  try {
    if (clientId !== null && (await clientExists(db, names, clientId))) return { clientId, clientCreated: false }
    if (guestUsername === null) return NOBODY
    const known = await findByUsername(db, names, guestUsername)
    return known === undefined ? await createFromGuest(db, names, guestUsername, guestPhone) : linked(known)
  } catch (error) {
    if (isServerError(error) && !isRetryable(error)) return NOBODY
    throw error
  }
}

const linked = (clientId: number): ResolvedClient => ({ clientId, clientCreated: false })

const clientExists = async (db: Queryable, names: Names, clientId: number): Promise<boolean> => {
  const { rows } = await db.query(`SELECT 1 FROM ${names.client} WHERE "id" = $1`, [clientId])
  return rows.length > 0
}

const findByUsername = async (db: Queryable, names: Names, username: string): Promise<number | undefined> => {
  const { rows } = await db.query<{ id: number }>(`SELECT "id" FROM ${names.client} WHERE "username" = $1`, [username])
  return rows[0]?.id
}

// Without a conflict target, so that a phone taken in this very moment is no error either.
const insertClient = ({ client }: Names): string => `
  INSERT INTO ${client} ("username", "phone", "createdAt", "updatedAt")
  SELECT $1, CASE WHEN NOT EXISTS (SELECT FROM ${client} WHERE "phone" = $2) THEN $2 END, ${UTC_NOW}, ${UTC_NOW}
  ON CONFLICT DO NOTHING
  RETURNING "id"`

const createFromGuest = async (
  db: Queryable,
  names: Names,
  username: string,
  phone: string | null,
): Promise<ResolvedClient> => {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    // From the second round on the phone is suspected to be the conflict; it stays on the message in any case.
    const { rows } = await db.query<{ id: number }>(insertClient(names), [username, round === 1 ? phone : null])
    if (rows[0] !== undefined) return { clientId: rows[0].id, clientCreated: true }
    const winner = await findByUsername(db, names, username)
    if (winner !== undefined) return linked(winner)
  }
  return NOBODY
}
