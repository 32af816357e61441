import type { Queryable } from '../../database/connection.js'
import { anyOf, selectionsOf, type FoundPerson } from './person.js'
import type { ErasureTables } from './tables.js'

const CONVERSATIONS_A_QUERY = 1_000

/** Which of these conversations have a message of the person, other than by a phone, which proves nothing of a conversation. */
export const readOwnConversations = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
  conversations: readonly string[],
): Promise<ReadonlySet<string>> => {
  const own = new Set<string>()
  const { condition, values } = anyOf(selectionsOf(tables, { ...person, phones: [] }))
  for (let from = 0; from < conversations.length; from += CONVERSATIONS_A_QUERY) {
    const { rows } = await client.query<{ conversation: string }>(
      `SELECT DISTINCT m."sessionId"::text AS "conversation"
       FROM ${tables.names.message} AS m
       WHERE m."sessionId" = ANY ($${values.length + 1}::text[]) AND (${condition})`,
      [...values, conversations.slice(from, from + CONVERSATIONS_A_QUERY)],
    )
    for (const { conversation } of rows) own.add(conversation)
  }
  return own
}
