import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

// One sort for both. Where the operator wrote first, nobody knows which message that answered.
const PERCENTILES = `(percentile_cont(ARRAY[0.5, 0.95])
  WITHIN GROUP (ORDER BY date_part('epoch', "firstFromOperator" - "firstFromClient"))
  FILTER (WHERE "firstFromOperator" > "firstFromClient" AND isfinite("firstFromOperator")))`

export const firstAnswer: Metric = {
  name: 'first_answer_seconds',
  title: 'first answer',
  help: "Time from the client's first message to the operator's first, in conversations that the client begins in the window and an operator answers in it.",
  unit: 'seconds',
  window: 'since',
  labels: ['percentile'],
  ...aggregateOf(conversations, () => [
    { labels: { percentile: '50' }, sql: `${PERCENTILES}[1]` },
    { labels: { percentile: '95' }, sql: `${PERCENTILES}[2]` },
  ]),
}
