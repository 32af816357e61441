import type { Queryable } from '../../database/connection.js'
import { toExactRow } from '../content/exact-row.js'
import { toId, toIdOrNull, type StoredId } from '../ids/ids.js'
import type { Names } from '../sql-names.js'
import type { ClientRow } from './client-differences.js'
import { isRegisteredSql } from '../follow-clients.js'
import { ClientMerged, ClientNotFound, MergeRefused } from './lifecycle-errors.js'

interface MergedClient {
  readonly username: string
  readonly registered: boolean
  readonly mergedInto: number | null
  readonly row: ClientRow
}

/**
 * Locks the two clients of a merge. Messages that are being saved do not wait for this lock.
 * @throws ClientNotFound, ClientMerged, MergeRefused
 */
export const lockForMerge = async (
  client: Queryable,
  names: Names,
  { from, into }: { readonly from: number; readonly into: number },
): Promise<{ readonly loser: MergedClient; readonly winner: MergedClient }> => {
  const { rows } = await client.query<LockedRow>(lockSql(names), [[from, into]])
  const byId = new Map(
    rows.map(({ row, mergedInto, ...client }) => [
      toId(client.id),
      { ...client, row: toExactRow(row), mergedInto: toIdOrNull(mergedInto) },
    ]),
  )
  const [loser, winner] = [byId.get(from), byId.get(into)]
  if (loser === undefined) throw new ClientNotFound(from)
  if (winner === undefined) throw new ClientNotFound(into)
  if (winner.mergedInto !== null) throw new ClientMerged(into, winner.mergedInto)
  if (loser.mergedInto !== null && loser.mergedInto !== into) throw new ClientMerged(from, loser.mergedInto)
  if (loser.registered && !winner.registered) throw registeredIntoGuest(from, into)
  return { loser, winner }
}

type LockedRow = Omit<MergedClient, 'mergedInto' | 'row'> & {
  readonly id: StoredId
  readonly mergedInto: StoredId | null
  /** As JSON. */
  readonly row: string
}

// In the order of their ids: two merges of the same clients wait for each other.
const lockSql = (names: Names): string => `
  SELECT c."id", c."username"::text AS "username", ${isRegisteredSql(names, 'c."id"')} AS "registered", to_jsonb(c)::text AS "row",
    (SELECT g."intoClientId" FROM ${names.mergedClients} AS g WHERE g."clientId" = c."id") AS "mergedInto"
  FROM ${names.client} AS c
  WHERE c."id" = ANY ($1::bigint[])
  ORDER BY c."id"
  FOR NO KEY UPDATE OF c`

// A guest's name opens the chat of the client that was made of them: it must not open that of somebody who registered.
const registeredIntoGuest = (from: number, into: number): MergeRefused =>
  new MergeRefused(`client ${from} is registered, and client ${into} was made of a guest`, {
    hint: `merge the guest into the registered client: from: ${into}, into: ${from}`,
  })
