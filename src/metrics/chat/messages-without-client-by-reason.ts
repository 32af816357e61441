import type { Metric } from '../metric.js'
import { aggregateOf } from '../aggregate.js'
import { conversations } from './conversations.js'

const count = (condition: string): string =>
  `coalesce(sum("messages") FILTER (WHERE "clientId" IS NULL AND ${condition}), 0)`

export const messagesWithoutClientByReason: Metric = {
  name: 'messages_without_client_by_reason',
  title: 'new messages without client',
  help: 'Messages of the window without client: no guest name, no client of that name, or a client that they are not linked to. chatkeep reconcile links all but the first, and of these the ones whose clientId has a client by now.',
  unit: 'count',
  window: 'since',
  labels: ['reason'],
  ...aggregateOf(conversations, () => [
    { labels: { reason: 'no_name' }, sql: count('"guest" IS NULL') },
    { labels: { reason: 'no_client' }, sql: count('NOT "hasClient"') },
    { labels: { reason: 'not_linked' }, sql: count('"hasClient"') },
  ]),
}
