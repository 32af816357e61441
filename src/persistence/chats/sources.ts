import type { Queryable } from '../../database/connection.js'
import type { ContactFilter } from '../contact.js'
import type { FindClient } from './known-client.js'

/**
 * Where the messages of contacts are found, each place by an index of its own. A guest's name stands for what was written
 * under it and, if a client was made of that guest, for all of that client's messages, such as an operator's answers. It
 * never opens the history of a registered client.
 */
export const findSources = async (
  db: Queryable,
  findClient: FindClient,
  filters: readonly ContactFilter[],
): Promise<readonly ContactFilter[]> => {
  const sources: ContactFilter[] = []
  for (const filter of filters) {
    sources.push(filter)
    const client =
      filter.column === 'guestUsername' ? await findClient(db, { username: String(filter.value) }) : undefined
    if (client?.isGuest === true) sources.push({ column: 'clientId', value: client.id })
  }
  return [...new Map(sources.map((source) => [`${source.column} ${source.value}`, source])).values()]
}
