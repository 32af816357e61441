import type { Metric } from './metric.js'

export const guestMessages: Metric = {
  name: 'guest_messages',
  title: 'guest messages',
  unit: 'message',
  help: 'Messages written under a guest name, linked to a client or not.',
  window: 'since',
  select: ({ message }, since) =>
    `SELECT count(*) FROM ${message} WHERE "guestUsername" IS NOT NULL AND "createdAt" > ${since}`,
}
