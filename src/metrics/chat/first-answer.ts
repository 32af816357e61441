import type { Metric } from '../metric.js'
import { aggregateOf } from '../shared.js'
import { conversations } from './conversations.js'

// Where the operator wrote first, nobody knows which message that answered.
const percentile = (share: number): string => `
  percentile_cont(${share}) WITHIN GROUP (ORDER BY extract(epoch FROM "firstFromOperator" - "firstFromClient")::float)
  FILTER (WHERE "firstFromOperator" > "firstFromClient" AND isfinite("firstFromOperator"))`

export const firstAnswer: Metric = {
  name: 'first_answer_seconds',
  title: 'first answer',
  help: "Time from the client's first message to the operator's first, in conversations that the client begins in the window and an operator answers in it.",
  unit: 'seconds',
  window: 'since',
  labels: ['percentile'],
  ...aggregateOf(conversations, () => [
    { labels: { percentile: '50' }, sql: percentile(0.5) },
    { labels: { percentile: '95' }, sql: percentile(0.95) },
  ]),
}
