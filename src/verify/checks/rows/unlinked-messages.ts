import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { waitingSql } from './waiting-messages.js'
import { chatkeep } from '../../../next-step.js'

/** Are there messages that are not linked to the client of their guest's name, or of the id that they name? */
export const unlinkedMessages: RowCheck<'unlinked_messages'> = {
  name: 'unlinked-messages',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'clientId', 'guestUsername'], Client: ['username'] },
  object: 'messages that are not linked to the client of their name or id',
  severity: 'warning',
  query: (facts) => {
    const { schema } = facts
    // Messages without client are few and found through the index that starts with "clientId", however large the table is.
    const waiting = waitingSql(facts)
    return countAndSample(`
      SELECT m."id"
      FROM ${qualified(schema, 'ChatMessage')} AS m
      JOIN ${qualified(schema, 'Client')} AS c ON c."username" = m."guestUsername"
      WHERE m."clientId" IS NULL
      ${waiting === undefined ? '' : `UNION SELECT m."id" ${waiting} WHERE c."id" IS NOT NULL`}`)
  },
  findings: (result) => countFindings(unlinkedMessages, 'unlinked_messages', result, chatkeep('reconcile')),
  explanations: {
    unlinked_messages: {
      title: 'messages are not linked to the client of their name or id',
      severities: ['warning'],
      meaning: `A client with the guest name of these messages, or with the id that they named, exists, but their "clientId" is
        NULL. They appear in the guest's history, but lists by client miss them.`,
      cause: `The client could not be found or created when they were saved (a lock or a time-out; the message is
        saved even then), the application's transaction was still inserting it, or another program wrote them without the link.`,
      remedy: 'Run chatkeep reconcile. It links them in batches, under live traffic.',
    },
  },
}
