import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const messages: Metric = {
  name: 'messages',
  title: 'messages',
  help: 'Messages by who sent them. 0 of clients in busy hours: the chat may be down. 0 of operators: nobody answers.',
  unit: 'count',
  window: 'since',
  labels: ['sender_type'],
  ...aggregateOf(conversations, () => [
    { labels: { sender_type: 'CLIENT' }, sql: 'coalesce(sum("fromClient"), 0)' },
    { labels: { sender_type: 'OPERATOR' }, sql: 'coalesce(sum("fromOperator"), 0)' },
  ]),
}
