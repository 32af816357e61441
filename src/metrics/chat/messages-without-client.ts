import { UNLINKED } from '../../persistence/sql-names.js'
import type { Metric } from '../metric.js'

export const messagesWithoutClient: Metric = {
  name: 'messages_without_client',
  title: 'messages without client',
  help: 'Messages that are not linked to a client. Should stay low: chatkeep reconcile links those whose client is there.',
  unit: 'count',
  window: 'all time',
  reads: '"ChatMessage_unlinked_idx"',
  select: ({ message }) => `SELECT count(*) AS "value" FROM ${message} WHERE ${UNLINKED}`,
}
