import type { Metric } from './metric.js'

export const messagesWithoutClient: Metric = {
  name: 'messages_without_client',
  title: 'messages without client',
  unit: 'message',
  help: 'Messages that belong to no client. Should be rare; `chatkeep reconcile` links those whose guest is known.',
  window: 'all time',
  select: ({ message }) => `SELECT count(*) FROM ${message} WHERE "clientId" IS NULL`,
}
