import { endOf } from './conversations.js'
import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

export const oldestUnread: Metric = {
  name: 'oldest_unread_seconds',
  title: 'oldest unread message',
  help: 'Age of the oldest message of a client in the window that no operator has read; unknown if there is none.',
  unit: 'seconds',
  window: 'since',
  ...aggregateOf(conversations, (window) => [
    {
      labels: {},
      sql: `CASE WHEN count("firstUnread") > 0
        THEN greatest(0, extract(epoch FROM ${endOf(window)}) - extract(epoch FROM min("firstUnread"))) END`,
    },
  ]),
}
