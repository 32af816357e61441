import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const activeGuests: Metric = {
  name: 'active_guests',
  title: 'active guests',
  help: 'Conversations with a message under a guest name.',
  unit: 'count',
  window: 'since',
  ...aggregateOf(conversations, 'count(*) FILTER (WHERE "guestMessages" > 0)'),
}
