import type { Queryable } from '../../database/connection.js'
import { anyOf, selectionsOf, type FoundPerson } from './person.js'
import type { ErasureTables } from './tables.js'

const CONVERSATIONS_A_QUERY = 1_000

/** Conversations that have messages. */
export interface Conversations {
  /** Those with a message of the person, other than by a phone, which proves nothing of a conversation. */
  readonly own: ReadonlySet<string>
  readonly others: ReadonlySet<string>
}

/** Which of these conversations have messages, and whose. */
export const readConversationsOf = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
  conversations: readonly string[],
): Promise<Conversations> => {
  const [own, others] = [new Set<string>(), new Set<string>()]
  const { condition, values } = anyOf(selectionsOf(tables, { ...person, phones: [] }))
  for (let from = 0; from < conversations.length; from += CONVERSATIONS_A_QUERY) {
    const { rows } = await client.query<{ conversation: string; isOwn: boolean }>(
      `SELECT m."sessionId"::text AS "conversation", coalesce(bool_or(${condition}), false) AS "isOwn"
       FROM ${tables.names.message} AS m
       WHERE m."sessionId" = ANY ($${values.length + 1}::text[])
       GROUP BY m."sessionId"`,
      [...values, conversations.slice(from, from + CONVERSATIONS_A_QUERY)],
    )
    for (const { conversation, isOwn } of rows) (isOwn ? own : others).add(conversation)
  }
  return { own, others }
}
