import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasColumns } from '../../facts/facts.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'

/**
 * Does the client of every message exist? Queried only without a valid foreign key, because it reads an index over all
 * messages.
 */
export const orphanedMessages: RowCheck<'orphaned_messages'> = {
  name: 'orphaned-messages',
  expectations: ALWAYS,
  object: 'messages of clients that do not exist',
  severity: 'error',
  query: (facts) => {
    const askable = hasColumns(facts, 'ChatMessage', ['id', 'clientId']) && hasColumns(facts, 'Client', ['id'])
    if (!askable || facts.integrity.clientReferenced) return undefined
    const { schema } = facts
    return countAndSample(`
      SELECT m."id"
      FROM ${qualified(schema, 'ChatMessage')} AS m
      WHERE m."clientId" IS NOT NULL
        AND NOT EXISTS (SELECT FROM ${qualified(schema, 'Client')} AS c WHERE c."id" = m."clientId")`)
  },
  findings: (result, { schema }) => {
    const message = qualified(schema, 'ChatMessage')
    const help = [
      `restore those clients or, where "guestUsername" is set: UPDATE ${message} AS m SET "clientId" = NULL`,
      'WHERE "guestUsername" IS NOT NULL',
      `AND NOT EXISTS (SELECT FROM ${qualified(schema, 'Client')} AS c WHERE c."id" = m."clientId")`,
    ].join(' ')
    return countFindings(orphanedMessages, 'orphaned_messages', result, help)
  },
  explanations: {
    orphaned_messages: {
      title: 'messages refer to a client that does not exist',
      severities: ['error'],
      meaning: `Their "clientId" is the id of no client. They are counted, but belong to a chat that cannot be
        opened; if the id is used again, they become messages of another person. This is checked only where no valid
        foreign key rules it out.`,
      cause: 'Clients were deleted while the foreign key was missing, NOT VALID, or its triggers were disabled.',
      remedy: `Restore the clients from a backup, or set "clientId" to NULL in messages that have a "guestUsername"
        (chatkeep reconcile then links them). Then add or validate the foreign key.`,
    },
  },
}
