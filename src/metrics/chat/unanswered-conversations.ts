import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const unansweredConversations: Metric = {
  name: 'unanswered_conversations',
  title: 'unanswered conversations',
  help: 'Conversations in which a client has waited for an operator for 15 minutes or longer at the end of the window.',
  unit: 'count',
  window: 'since',
  ...aggregateOf(conversations, `count(*) FILTER (WHERE "lastDue" > coalesce("lastFromOperator", '-infinity'))`),
}
