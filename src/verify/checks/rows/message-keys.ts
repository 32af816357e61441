import { qualified } from '../../../database/identifier.js'
import { canRead } from '../../../migrations/own/own-state.js'
import { fillKeys } from '../../../migrations/partitions/key-table.js'
import { isPartitioned } from '../../../migrations/partitions/partitions.js'
import { MESSAGE_KEYS } from '../../../persistence/own-names.js'
import { sql } from '../../../next-step.js'
import type { RowCheck } from '../../check.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { newestRows } from './newest-rows.js'

/** No more are looked up: only a program other than chatkeep can have stored them so. */
const NEWEST = 10_000

/** Where messages are partitioned, is the key of each in the table of keys, as its own? */
export const messageKeys: RowCheck<'message_keys_differ'> = {
  name: 'message-keys',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'createdAt', 'clientId', 'guestUsername', 'idempotencyKey'] },
  object: 'messages whose idempotency key is missing in the table of keys, or another message has there',
  severity: 'error',
  query: ({ catalog, own, schema }) =>
    isPartitioned(catalog) && canRead(own, MESSAGE_KEYS)
      ? countAndSample(`
      SELECT m."id"
      FROM (${newestRows('"id", "idempotencyKey"::text AS "key"', qualified(schema, 'ChatMessage'), NEWEST)}) AS m
      WHERE m."key" IS NOT NULL
        AND (SELECT k."messageId" FROM ${own.names.messageKeys} AS k WHERE k."idempotencyKey" = m."key" LIMIT 1)
          IS DISTINCT FROM m."id"`)
      : undefined,
  findings: (result, { own: { names } }) => {
    const isAnothers = `FROM ${names.messageKeys} AS k WHERE k."idempotencyKey" = m."idempotencyKey" AND k."messageId" <> m."id"`
    return countFindings(
      messageKeys,
      'message_keys_differ',
      result,
      [
        sql(`${fillKeys(names)} ON CONFLICT DO NOTHING`, 'take the keys that are missing'),
        sql(
          `UPDATE ${names.message} AS m SET "idempotencyKey" = NULL ${isAnothers}`,
          'then let one message keep each key',
        ),
      ],
      (count) => `${count} among the newest ${NEWEST.toLocaleString('en-US')}`,
    )
  },
  explanations: {
    message_keys_differ: {
      title: 'keys of messages are not in the table of keys',
      severities: ['error'],
      meaning: `Where "ChatMessage" is partitioned, the table message_keys keeps idempotency keys unique. A message whose
        key is missing there is stored a second time if it is sent again; if another message has the key there, it is
        stored twice already. Only the newest messages are looked up.`,
      cause: `A program other than chatkeep inserted messages with a key, or changed keys or ids; or rows were deleted
        from message_keys, or restored without it.`,
      remedy: `Run the statements in the finding: the first takes missing keys, the second sets the key of every
        message to NULL whose key is another's. Both read the whole table. Make the program store through chatkeep, or
        without a key.`,
    },
  },
}
