import type { Metric } from './metric.js'

export const guestMessages: Metric = {
  name: 'guest_messages',
  title: 'guest messages',
  help: 'Messages with a guest name, whether or not they are linked to a client.',
  window: 'since',
  select: ({ message }, since) =>
    `SELECT count(*) AS "value" FROM ${message} WHERE "guestUsername" IS NOT NULL AND "createdAt" > ${since}`,
}
