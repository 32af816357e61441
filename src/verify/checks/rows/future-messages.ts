import { qualified } from '../../../database/identifier.js'
import { CHATS } from '../../../migrations/ledger/own-objects.js'
import type { DataCheck } from '../../check.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/**
 * Are there messages of tomorrow? The list of chats has every chat at a time at least as late as its last message, so one
 * look at its latest row says no. Only where that row is of tomorrow, or may not be read, the messages are asked.
 */
export const futureMessages: DataCheck = {
  name: 'future-messages',
  expectations: ['migrated'],
  object: 'messages dated more than a day in the future',
  severity: 'warning',
  question: (facts) =>
    hasColumns(facts, 'ChatMessage', ['id', 'createdAt'])
      ? countAndSample(`
      SELECT "id" ${fromFuture(facts)} ${isAnyChatOfTomorrow(facts)}`)
      : undefined,
  findings: (answer, facts) => {
    const help = `SELECT "id", "createdAt" ${fromFuture(facts)}`
    return rowsFound(futureMessages, 'future_messages', answer, help)
  },
}

const TOMORROW = `timezone('UTC', now()) + INTERVAL '1 day'`

const fromFuture = ({ schema }: Facts): string =>
  `FROM ${qualified(schema, 'ChatMessage')} WHERE "createdAt" > ${TOMORROW}`

const isAnyChatOfTomorrow = (facts: Facts): string =>
  hasColumns(facts, CHATS, ['period']) && facts.surroundings.readableOwnTables.includes(CHATS)
    ? `AND EXISTS (SELECT FROM ${qualified(facts.schema, CHATS)} WHERE "period" > ${TOMORROW})`
    : ''
