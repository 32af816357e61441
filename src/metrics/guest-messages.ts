import { within, type Metric } from './metric.js'

export const guestMessages: Metric = {
  name: 'guest_messages',
  title: 'guest messages',
  help: 'Messages with a guest name, whether or not they are linked to a client.',
  unit: 'count',
  window: 'since',
  reads: '"ChatMessage_createdAt_clientId_idx"',
  select: ({ message }, window) =>
    `SELECT count(*) AS "value" FROM ${message} WHERE "guestUsername" IS NOT NULL AND ${within('"createdAt"', window)}`,
}
