import { qualified } from '../../../database/identifier.js'
import type { DataCheck } from '../../check.js'
import { hasColumns } from '../../facts/facts.js'
import { commandLine } from '../../finding.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/** Are there messages of guests whose client exists by now, but that are not linked to it? */
export const unlinkedMessages: DataCheck = {
  name: 'unlinked-messages',
  expectations: ['migrated'],
  object: 'messages under the name of a client, not linked to that client',
  severity: 'warning',
  question: (facts) => {
    const { schema } = facts
    const askable =
      hasColumns(facts, 'ChatMessage', ['id', 'clientId', 'guestUsername']) && hasColumns(facts, 'Client', ['username'])
    if (!askable) return undefined
    // Messages without client are rare and come from the index that begins with "clientId", whatever the size of the table.
    return countAndSample(`
      SELECT m."id"
      FROM ${qualified(schema, 'ChatMessage')} AS m
      JOIN ${qualified(schema, 'Client')} AS c ON c."username" = m."guestUsername"
      WHERE m."clientId" IS NULL`)
  },
  findings: (answer, facts) => {
    const help = commandLine('reconcile', facts)
    return rowsFound(unlinkedMessages, 'unlinked_messages', answer, help)
  },
}
