import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { chatkeep } from '../../../next-step.js'

/** Are there guest messages that are not linked to the client of that name? */
export const unlinkedMessages: RowCheck<'unlinked_messages'> = {
  name: 'unlinked-messages',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'clientId', 'guestUsername'], Client: ['username'] },
  object: 'guest messages that are not linked to the client of their name',
  severity: 'warning',
  query: (facts) => {
    const { schema } = facts
    // Messages without client are few and found through the index that starts with "clientId", however large the table is.
    return countAndSample(`
      SELECT m."id"
      FROM ${qualified(schema, 'ChatMessage')} AS m
      JOIN ${qualified(schema, 'Client')} AS c ON c."username" = m."guestUsername"
      WHERE m."clientId" IS NULL`)
  },
  findings: (result) => countFindings(unlinkedMessages, 'unlinked_messages', result, chatkeep('reconcile')),
  explanations: {
    unlinked_messages: {
      title: 'guest messages are not linked to the client of their name',
      severities: ['warning'],
      meaning: `A client with the guest name of these messages exists, but their "clientId" is NULL. They appear in
        the guest's history, but lists by client miss them.`,
      cause: `The client could not be found or created when they were saved (a lock or a time-out; the message is
        saved even then), or another program wrote them without the link.`,
      remedy: 'Run chatkeep reconcile. It links them in batches, under live traffic.',
    },
  },
}
