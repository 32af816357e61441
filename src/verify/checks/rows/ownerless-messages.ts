import { qualified } from '../../../database/identifier.js'
import type { DataCheck } from '../../check.js'
import { hasColumns } from '../../facts/facts.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/** Are there messages of which nobody can say whose they are: neither client nor guest name? */
export const ownerlessMessages: DataCheck = {
  name: 'ownerless-messages',
  expectations: ['migrated'],
  object: 'messages with neither client nor guest name',
  severity: 'warning',
  question: (facts) => {
    if (!hasColumns(facts, 'ChatMessage', ['id', 'clientId', 'guestUsername'])) return undefined
    // Read through the index that begins with "clientId", like the messages that are not linked.
    return countAndSample(`
      SELECT "id"
      FROM ${qualified(facts.schema, 'ChatMessage')}
      WHERE "clientId" IS NULL AND "guestUsername" IS NULL`)
  },
  findings: (answer, { schema }) => {
    const help = `SELECT * FROM ${qualified(schema, 'ChatMessage')} WHERE "clientId" IS NULL AND "guestUsername" IS NULL`
    return rowsFound(ownerlessMessages, 'ownerless_messages', answer, help)
  },
}
