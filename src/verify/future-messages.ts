import { qualified } from '../database/identifier.js'
import type { DataCheck } from './check.js'
import { hasColumns, type Facts } from './facts.js'
import { countAndSample } from './question.js'

/** Are there messages of tomorrow? The block ranges of "createdAt" say so, whatever the size of the table. */
export const futureMessages: DataCheck = {
  name: 'future-messages',
  expectations: ['migrated'],
  object: 'messages dated more than a day in the future',
  severity: 'warning',
  question: (facts) =>
    hasColumns(facts, 'ChatMessage', ['id', 'createdAt'])
      ? countAndSample(`
      SELECT "id" ${fromFuture(facts)}`)
      : undefined,
  findings: (answer, facts) => {
    const [count = 0] = answer?.counts ?? []
    if (answer === undefined || count === 0) return []
    const { object, severity } = futureMessages
    const help = `SELECT "id", "createdAt" ${fromFuture(facts)}`
    return [
      { code: 'future_messages', severity, object, expected: '0', actual: String(count), sample: answer.sample, help },
    ]
  },
}

const fromFuture = ({ schema }: Facts): string =>
  `FROM ${qualified(schema, 'ChatMessage')} WHERE "createdAt" > timezone('UTC', now()) + INTERVAL '1 day'`
