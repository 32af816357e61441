import { ANYTHING, checkOptions, type Rules } from '../../check-options.js'
import type { Queryable } from '../../database/connection.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { isPutBack, keptRows } from '../erasure/kept-rows.js'
import { takeNameTurns } from '../guest-clients.js'
import { toId, toIdOrNull, type StoredId } from '../ids/ids.js'
import { CLIENT_ALIASES, MERGED_CLIENTS, ownSchema } from '../own-names.js'
import { MAX_USERNAME_CHARACTERS, prepareUsername, toUsername } from '../prepare-message.js'
import { UTC_NOW, type Names } from '../sql-names.js'
import { checkClientId, type ChangeSession, type Need } from './change.js'
import { ClientMerged, ClientNotFound, UsernameTaken } from './lifecycle-errors.js'

export interface ClientRename {
  readonly clientId: number
  /** The new name: trimmed, normalised to NFC, at most 255 characters. */
  readonly username: string
}

export interface RenamedClient {
  readonly clientId: number
  /** As it is stored. */
  readonly username: string
  /** The name before; the same as `username` if nothing was changed. */
  readonly formerUsername: string
}

const RULES: Rules<ClientRename> = { clientId: ANYTHING, username: ANYTHING }

const needs = (schema: string): readonly Need[] => [
  { schema, table: 'Client', privileges: ['SELECT', 'UPDATE'] },
  { schema, table: 'ChatMessage', privileges: ['SELECT'] },
  { schema: ownSchema(schema), table: CLIENT_ALIASES, privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] },
  { schema: ownSchema(schema), table: MERGED_CLIENTS, privileges: ['SELECT'] },
]

/**
 * Renames a client. The former name stays theirs: what is written under it goes on to this client, and nobody else can be
 * given it by another rename. Messages are not rewritten.
 * @throws ClientNotFound, ClientMerged, UsernameTaken, InvalidMessage, OperatorError `rows_kept`
 */
export const renameClient = async (
  { names, schema, inChange }: ChangeSession,
  rename: ClientRename,
): Promise<RenamedClient> => {
  checkOptions('the rename', rename, RULES)
  const { clientId, username: given } = rename
  checkClientId('clientId', clientId)
  const username = prepareUsername(given)
  return inChange(needs(schema), async (client) => {
    const { rows } = await client.query<FoundRow>(findSql(names), [clientId])
    const [row] = rows
    if (row === undefined) throw new ClientNotFound(clientId)
    if (row.mergedInto !== null) throw new ClientMerged(clientId, toId(row.mergedInto))
    const renamed = { clientId, username, formerUsername: row.username }
    if (row.username === username) return renamed
    // A guest whose client is just being created waits, and then finds the name or its alias.
    await takeNameTurns(client, [row.username, username])
    await refuseTaken(client, names, renamed)
    const stored = { ...renamed, username: await setName(client, names, renamed) }
    // A trigger may store another name than the given one, such as in lower case.
    if (stored.username !== username) await refuseTaken(client, names, stored)
    await client.query(`DELETE FROM ${names.clientAliases} WHERE "username" = $1`, [stored.username])
    if (isGuestName(row.username)) await client.query(addAliasSql(names), [row.username, clientId])
    return stored
  })
}

const refuseTaken = async (client: Queryable, names: Names, { clientId, username }: RenamedClient): Promise<void> => {
  const { rows } = await client.query<TakenRow>(takenSql(names), [clientId, username])
  if (rows[0] !== undefined) throw takenBy(username, rows[0])
}

/** @returns the name as it is stored */
const setName = async (
  client: Queryable,
  names: Names,
  { clientId, username, formerUsername }: RenamedClient,
): Promise<string> => {
  try {
    const { rows } = await client.query<{ username: string }>(setNameSql(names), [clientId, username])
    const [stored] = rows
    if (stored === undefined || isPutBack({ username }, { username: formerUsername }, stored))
      throw await keptRows(client, { table: names.client, event: 'UPDATE', what: `client ${clientId} is` })
    return stored.username
  } catch (error) {
    // Created just now, or only in other capitals, where an index of the application's ignores them.
    if (hasSqlState(error, SqlState.uniqueViolation)) throw new UsernameTaken(username, null, error.message)
    throw error
  }
}

const setNameSql = ({ client }: Names): string => `
  UPDATE ${client} SET "username" = $2, "updatedAt" = ${UTC_NOW}
  WHERE "id" = $1::bigint
  RETURNING "username"::text AS "username"`

/** Whether a guest could give this name. Nobody can write under another one, which an application may give. */
export const isGuestName = (name: string): boolean =>
  name !== '' && toUsername(name) === name && Array.from(name).length <= MAX_USERNAME_CHARACTERS

/** SQL that gives a name, parameter 1, to a client, parameter 2. */
export const addAliasSql = ({ clientAliases }: Names): string => `
  INSERT INTO ${clientAliases} ("username", "clientId") VALUES ($1, $2::bigint)
  ON CONFLICT ("username") DO UPDATE SET "clientId" = excluded."clientId", "at" = now()`

interface FoundRow {
  readonly username: string
  readonly mergedInto: StoredId | null
}

// Messages that are being saved do not wait for this lock, another rename or merge of the client does.
const findSql = ({ client, mergedClients }: Names): string => `
  SELECT c."username"::text AS "username",
    (SELECT g."intoClientId" FROM ${mergedClients} AS g WHERE g."clientId" = c."id") AS "mergedInto"
  FROM ${client} AS c
  WHERE c."id" = $1::bigint
  FOR NO KEY UPDATE`

interface TakenRow {
  readonly clientId: StoredId | null
  readonly by: 'client' | 'alias' | 'guest'
}

// The newest message under the name tells whose chat it is now: that of a guest without client, or of a client that the
// application renamed by itself.
const takenSql = ({ client, clientAliases, message }: Names): string => `
  SELECT c."id" AS "clientId", 'client' AS "by" FROM ${client} AS c WHERE c."username"::text = $2 AND c."id" <> $1::bigint
  UNION ALL
  SELECT a."clientId", 'alias' FROM ${clientAliases} AS a WHERE a."username" = $2 AND a."clientId" <> $1::bigint
  UNION ALL
  SELECT m."clientId", 'guest'
  FROM (SELECT "clientId" FROM ${message} WHERE "guestUsername"::text = $2 ORDER BY "createdAt" DESC LIMIT 1) AS m
  WHERE m."clientId" IS DISTINCT FROM $1::bigint
  LIMIT 1`

const takenBy = (username: string, { clientId, by }: TakenRow): UsernameTaken => {
  const id = toIdOrNull(clientId)
  const whose = {
    client: `client ${id} has it`,
    alias: `client ${id} had it before, and messages under it are theirs`,
    guest: id === null ? 'a guest without client wrote under it' : `messages of client ${id} were written under it`,
  }
  return new UsernameTaken(username, id, whose[by])
}
