import { UTC_NOW } from '../../persistence/sql-names.js'
import type { Metric } from '../metric.js'

export const newestMessage: Metric = {
  name: 'newest_message_seconds',
  title: 'newest message',
  help: 'Age of the newest message; unknown if there is none. Longer than usual: the chat may be down.',
  unit: 'seconds',
  window: 'all time',
  reads: '"ChatMessage_createdAt_clientId_idx"',
  // The index has NULLS FIRST, so only this order reads it backward.
  select: ({ message }) => `
    SELECT (
      SELECT greatest(0, extract(epoch FROM ${UTC_NOW}) - extract(epoch FROM "createdAt"))
      FROM ${message} WHERE "createdAt" < 'infinity' ORDER BY "createdAt" DESC NULLS LAST LIMIT 1
    ) AS "value"`,
}
