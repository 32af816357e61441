import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { sql } from '../../../next-step.js'

/** Are there messages from the future? The index on "createdAt" answers without reading the table. */
export const futureMessages: RowCheck<'future_messages'> = {
  name: 'future-messages',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'createdAt'] },
  object: 'messages dated more than a day in the future',
  severity: 'warning',
  query: (facts) => countAndSample(`SELECT "id" ${fromFuture(facts)}`),
  findings: (result, facts) => {
    const help = [
      sql(`SELECT "id", "createdAt" ${fromFuture(facts)}`, 'see them'),
      sql(
        `UPDATE ${qualified(facts.schema, 'ChatMessage')} SET "createdAt" = timezone('UTC', now()) WHERE "createdAt" > ${TOMORROW}`,
        'if a wrong clock dated them',
      ),
    ]
    return countFindings(futureMessages, 'future_messages', result, help)
  },
  explanations: {
    future_messages: {
      title: 'messages are dated in the future',
      severities: ['warning'],
      meaning: `"createdAt" is more than a day ahead. Until that day, such a message stays the newest of its chat,
        the chat stays first among the recent chats, and metrics count the message in every time window.`,
      cause: `A sender's clock is wrong, a date is in milliseconds instead of seconds or the reverse, or an import
        swapped fields.`,
      remedy: 'Check the rows in the finding and correct "createdAt".',
    },
  },
}

const TOMORROW = `timezone('UTC', now()) + INTERVAL '1 day'`

const fromFuture = ({ schema }: Facts): string =>
  `FROM ${qualified(schema, 'ChatMessage')} WHERE "createdAt" > ${TOMORROW}`
