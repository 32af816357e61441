import type { Queryable } from '../../database/connection.js'
import { isOfContact, type ContactFilter } from '../contact.js'
import { UNLINKED } from '../sql-names.js'
import type { FindClient } from './known-client.js'

/** A place where messages of contacts are found, by an index of its own. */
export interface Source extends Pick<ContactFilter, 'column' | 'value'> {
  /** Only the messages without client. */
  readonly isUnlinked?: boolean
}

/**
 * Where the messages of contacts are found. An id stands for the client into whom its own was merged, if it was. A guest's name
 * stands for what was written under it and, if a client was made of that guest, for all of that client's messages, such as an
 * operator's answers. It never opens the history of a registered client. An id and a name together are as in a save: the client
 * with what is under the name without a client, else the name.
 */
export const findSources = async (
  db: Queryable,
  findClient: FindClient,
  filters: readonly ContactFilter[],
): Promise<readonly Source[]> => {
  const sources: Source[] = []
  for (const filter of filters) sources.push(...(await sourcesOf(db, findClient, filter)))
  return distinct(sources)
}

/** Where the messages of contacts are found whose client is known to be there. */
export const sourcesOfKnown = (filters: readonly ContactFilter[]): readonly Source[] =>
  distinct(
    filters.flatMap(({ column, value, clientId }) =>
      clientId === undefined ? { column, value } : ofClientAndName(clientId, { column, value }),
    ),
  )

const distinct = (sources: readonly Source[]): readonly Source[] => [
  ...new Map(sources.map((source) => [keyOf(source), source])).values(),
]

const keyOf = ({ column, value, isUnlinked }: Source): string => JSON.stringify([column, value, isUnlinked])

const sourcesOf = async (
  db: Queryable,
  findClient: FindClient,
  { column, value, clientId }: ContactFilter,
): Promise<readonly Source[]> => {
  const source: Source = { column, value }
  if (column === 'clientId') return [ofClient((await findClient(db, { id: Number(value) }))?.id ?? Number(value))]
  if (column !== 'guestUsername') return [source]
  const meant = clientId === undefined ? undefined : await findClient(db, { id: clientId })
  if (meant !== undefined) return ofClientAndName(meant.id, source)
  const client = await findClient(db, { username: String(value) })
  // A role that may not read the clients finds none, and what is linked to this one is still theirs.
  return [
    ...(client?.isGuest === true ? ofClientAndName(client.id, source) : [source]),
    ...(clientId === undefined ? [] : [ofClient(clientId)]),
  ]
}

/** Under the name only what is linked to nobody: what is linked to another client who had the name before is theirs. */
const ofClientAndName = (id: number, name: Source): readonly Source[] => [ofClient(id), { ...name, isUnlinked: true }]

const ofClient = (value: number): Source => ({ column: 'clientId', value })

/** SQL for the messages of a source, whose value is a parameter. */
export const isOfSource = ({ column, isUnlinked }: Source, parameter: string): string =>
  `${isOfContact(column, parameter)}${isUnlinked === true ? ` AND ${UNLINKED}` : ''}`
