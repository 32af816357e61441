import { quoted } from '../../database/identifier.js'
import { estimatedRows, overPartitions } from '../database/tables.js'
import type { Metric } from '../metric.js'

const COUNTED = 10_000
const INDEX = 'ChatMessage_unread_idx'

export const unreadMessages: Metric = {
  name: 'unread_messages',
  title: 'unread messages',
  help: `Messages of clients that no operator has read. Above ${COUNTED.toLocaleString('en-US')}, the estimate of the last VACUUM or ANALYZE.`,
  unit: 'count',
  window: 'all time',
  reads: `"${INDEX}"`,
  select: ({ message }) => `
    SELECT CASE WHEN u."counted" <= ${COUNTED} THEN u."counted" ELSE greatest(u."counted", (
      SELECT ${overPartitions('sum', estimatedRows, 'c.oid')}
      FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      WHERE i.indrelid = ${quoted(message)}::regclass AND c.relname = '${INDEX}'
    )) END AS "value"
    FROM (
      SELECT count(*) AS "counted"
      FROM (SELECT FROM ${message} WHERE NOT "isRead" AND "senderType" = 'CLIENT' LIMIT ${COUNTED + 1}) AS m
    ) AS u`,
}
