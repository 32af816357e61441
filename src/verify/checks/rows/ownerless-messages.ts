import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { waitingSql } from './waiting-messages.js'
import { or, sql } from '../../../next-step.js'

/** Are there messages without client and without guest name, which wait for no client either? */
export const ownerlessMessages: RowCheck<'ownerless_messages'> = {
  name: 'ownerless-messages',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'clientId', 'guestUsername'] },
  object: 'messages with neither client nor guest name',
  severity: 'warning',
  query: (facts) => {
    // Uses the index that starts with "clientId", like the query for unlinked messages.
    const waiting = waitingSql(facts)
    return countAndSample(`
      SELECT "id"
      FROM ${qualified(facts.schema, 'ChatMessage')}
      WHERE "clientId" IS NULL AND "guestUsername" IS NULL
      ${waiting === undefined ? '' : `AND "id" NOT IN (SELECT m."id" ${waiting})`}`)
  },
  findings: (result, { schema }) => {
    const table = qualified(schema, 'ChatMessage')
    const ownerless = '"clientId" IS NULL AND "guestUsername" IS NULL'
    const help = [
      sql(`SELECT * FROM ${table} WHERE ${ownerless}`, 'see them, and give each a client or a guest name'),
      or(
        sql(
          `UPDATE ${table} SET "guestUsername" = 'unknown guest ' || coalesce("sessionId", "id"::text) WHERE ${ownerless}`,
          'show them as chats of unknown guests',
        ),
      ),
    ]
    return countFindings(ownerlessMessages, 'ownerless_messages', result, help)
  },
  explanations: {
    ownerless_messages: {
      title: 'messages have neither client nor guest name',
      severities: ['warning'],
      meaning: `It is unknown whose messages they are, so no history shows them. A rollback has to move them from the
        table to its archive.`,
      cause: `Another program wrote them, or a client was deleted and its messages were kept. chatkeep itself rejects
        a message without a contact.`,
      remedy: `List them with the query in the finding; "clientSocketId" or "sessionId" may show whose they are. Then
        set "clientId" or "guestUsername".`,
    },
  },
}
