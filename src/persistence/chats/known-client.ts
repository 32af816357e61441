import type { Queryable } from '../../database/connection.js'
import { readableColumns } from '../access/readable-columns.js'
import { toId, type StoredId } from '../ids/ids.js'
import type { Names } from '../sql-names.js'

/** A client, as far as its name matters. */
export interface KnownClient {
  readonly id: number
  readonly username: string
  /** Created from a guest: whoever writes under its name is that guest. Otherwise it is registered, and the name proves nothing. */
  readonly isGuest: boolean
}

/** Finds a client by its id, or by the exact name that a guest gave. */
export type FindClient = (
  db: Queryable,
  by: { readonly id: number } | { readonly username: string },
) => Promise<KnownClient | undefined>

/** A role that only reads messages may not read these tables: then no client is known, and none is a guest's. */
export const createFindClient = (names: Names): FindClient => {
  let mayRead = false
  return async (db, by) => {
    mayRead ||= await isReadable(db, names)
    if (!mayRead) return undefined
    const isById = 'id' in by
    const { rows } = await db.query<KnownRow>(selectClient(names, isById), [isById ? by.id : by.username])
    return rows[0] && { ...rows[0], id: toId(rows[0].id) }
  }
}

type KnownRow = Omit<KnownClient, 'id'> & { readonly id: StoredId }

const isReadable = async (db: Queryable, { client, guestClients }: Names): Promise<boolean> => {
  const ofClient = await readableColumns(db, client, ['id', 'username'])
  const ofGuest = await readableColumns(db, guestClients, ['clientId'])
  return ofClient.length + ofGuest.length === 3
}

const selectClient = ({ client, guestClients }: Names, isById: boolean): string => `
  SELECT c."id", c."username"::text AS "username",
    (SELECT g."clientId" FROM ${guestClients} AS g WHERE g."clientId" = c."id") IS NOT NULL AS "isGuest"
  FROM ${client} AS c
  WHERE ${isById ? 'c."id" = $1::bigint' : 'c."username"::text = $1'}
  LIMIT 1`
