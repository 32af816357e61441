import type { Queryable } from '../../database/connection.js'
import type { PreparedStatements } from '../../database/prepared.js'
import { readableColumns } from '../access/readable-columns.js'
import { toId, type StoredId } from '../ids/ids.js'
import { utcText } from '../ids/utc-text.js'
import { clientOfNameSql, isRegisteredSql, mergedSql } from '../follow-clients.js'
import type { Names } from '../sql-names.js'

/** A client, as far as its name matters. */
export interface KnownClient {
  readonly id: number
  readonly username: string
  /** Created from a guest: who writes under its name is that guest. Otherwise it is registered, and the name proves nothing. */
  readonly isGuest: boolean
  /** The id that the client who was asked for had at the instant, before it was merged into this one; absent where that is not known. */
  readonly idThen?: number | undefined
}

/**
 * Finds a client by its id, or by the exact name that a guest gave; of one that was merged, the one into whom it was.
 * @param at finds none that at this instant had neither a row nor a message
 */
export type FindClient = (
  db: Queryable,
  by: { readonly id: number } | { readonly username: string },
  at?: Date,
) => Promise<KnownClient | undefined>

/**
 * A role that only reads messages may not read these tables: then no client is known, and none is a guest's. Former names and
 * merged clients are followed where the role may read them.
 */
export const createFindClient = (names: Names, statements: PreparedStatements): FindClient => {
  let readable: Readable | undefined
  return async (db, by, at) => {
    if (readable?.follows !== true) readable = await readReadable(db, names)
    if (!readable.clients) return undefined
    const isById = 'id' in by
    const sql = selectClient(names, { ...readable, isById, isAsOf: at !== undefined })
    const { rows } = await statements.query<KnownRow>(db, sql, [
      isById ? by.id : by.username,
      ...(at === undefined ? [] : [utcText(at)]),
    ])
    return rows[0] && toKnownClient(rows[0])
  }
}

type KnownRow = Omit<KnownClient, 'id' | 'idThen'> & { readonly id: StoredId; readonly idThen?: StoredId }

const toKnownClient = ({ id, idThen, ...row }: KnownRow): KnownClient => ({
  ...row,
  id: toId(id),
  ...(idThen === undefined ? {} : { idThen: toId(idThen) }),
})

interface Readable {
  readonly clients: boolean
  readonly follows: boolean
  /** Which messages the merges moved. */
  readonly moves: boolean
  /** When the row of a client was created. */
  readonly creation: boolean
}

const readReadable = async (db: Queryable, names: Names): Promise<Readable> => {
  const { client, guestClients, clientAliases, mergedClients, movedMessages } = names
  const ofClient = await readableColumns(db, client, ['id', 'username'])
  const ofGuest = await readableColumns(db, guestClients, ['clientId'])
  const ofCreation = await readableColumns(db, client, ['createdAt'])
  const ofAlias = await readableColumns(db, clientAliases, ['username', 'clientId'])
  const ofMerged = await readableColumns(db, mergedClients, ['clientId', 'intoClientId', 'at'])
  const ofMoved = await readableColumns(db, movedMessages, ['clientId', 'at', 'messageIds'])
  return {
    clients: ofClient.length + ofGuest.length === 3,
    follows: ofAlias.length + ofMerged.length === 5,
    moves: ofMoved.length === 3,
    creation: ofCreation.length === 1,
  }
}

interface Which extends Readable {
  readonly isById: boolean
  readonly isAsOf: boolean
}

const selectClient = (names: Names, { isById, isAsOf, follows, moves, creation }: Which): string => `
  SELECT c."id", c."username"::text AS "username", NOT (${isRegisteredSql(names, 'c."id"')}) AS "isGuest"${
    isAsOf && follows && moves ? `, ${idThenSql(names, isById)} AS "idThen"` : ''
  }
  FROM ${names.client} AS c
  WHERE ${isById ? `c."id" = ${follows ? mergedSql(names, '$1::bigint') : '$1::bigint'}` : isNamed(names, follows)}
  ${isAsOf ? `AND ${wasThere(names, creation)}` : ''}
  LIMIT 1`

const idThenSql = ({ client, mergedClients }: Names, isById: boolean): string => {
  const asked = isById
    ? '$1::bigint'
    : `(SELECT a."id" FROM ${client} AS a WHERE a."username"::text = $1 LIMIT 1)::bigint`
  return `coalesce(
    (SELECT g."intoClientId" FROM ${mergedClients} AS g
     WHERE g."clientId" = ${asked} AND g."at" <= $2::timestamp AT TIME ZONE 'UTC'),
    ${asked}, c."id")`
}

// A guest's message that waited in a journal is older than the row of the client that was made of it.
const wasThere = ({ message }: Names, creation: boolean): string => `(
    ${creation ? 'c."createdAt" <= $2::timestamp OR ' : ''}EXISTS (
      SELECT FROM ${message} AS m WHERE m."clientId" = c."id" AND m."createdAt" <= $2::timestamp))`

const isNamed = (names: Names, follows: boolean): string =>
  follows ? `c."id" = ${clientOfNameSql(names, '$1')}` : 'c."username"::text = $1'
