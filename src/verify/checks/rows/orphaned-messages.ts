import { qualified } from '../../../database/identifier.js'
import type { DataCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasColumns } from '../../facts/facts.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/**
 * Does every message that has a client have one that is there? Only asked where no sound foreign key answers, since it reads an
 * index over all messages.
 */
export const orphanedMessages: DataCheck = {
  name: 'orphaned-messages',
  expectations: ALWAYS,
  object: 'messages of clients that are not there',
  severity: 'error',
  question: (facts) => {
    const askable = hasColumns(facts, 'ChatMessage', ['id', 'clientId']) && hasColumns(facts, 'Client', ['id'])
    if (!askable || facts.integrity.clientReferenced) return undefined
    const { schema } = facts
    return countAndSample(`
      SELECT m."id"
      FROM ${qualified(schema, 'ChatMessage')} AS m
      WHERE m."clientId" IS NOT NULL
        AND NOT EXISTS (SELECT FROM ${qualified(schema, 'Client')} AS c WHERE c."id" = m."clientId")`)
  },
  findings: (answer, { schema }) => {
    const message = qualified(schema, 'ChatMessage')
    const help = `restore those clients, or, where "guestUsername" is set: UPDATE ${message} AS m SET "clientId" = NULL WHERE "guestUsername" IS NOT NULL AND NOT EXISTS (SELECT FROM ${qualified(schema, 'Client')} AS c WHERE c."id" = m."clientId")`
    return rowsFound(orphanedMessages, 'orphaned_messages', answer, help)
  },
}
