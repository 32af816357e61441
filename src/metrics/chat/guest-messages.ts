import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const guestMessages: Metric = {
  name: 'guest_messages',
  title: 'guest messages',
  help: 'Messages with a guest name, whether or not they are linked to a client.',
  unit: 'count',
  window: 'since',
  ...aggregateOf(conversations, 'coalesce(sum("guestMessages"), 0)'),
}
