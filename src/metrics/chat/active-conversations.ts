import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const activeConversations: Metric = {
  name: 'active_conversations',
  title: 'active conversations',
  help: 'Clients, and guests without client, with a message.',
  unit: 'count',
  window: 'since',
  ...aggregateOf(conversations, 'count(*) FILTER (WHERE "clientId" IS NOT NULL OR "guest" IS NOT NULL)'),
}
