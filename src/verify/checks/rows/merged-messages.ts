import { chatkeep } from '../../../next-step.js'
import { isOurs } from '../../../migrations/own/own-conflicts.js'
import { canRead } from '../../../migrations/own/own-state.js'
import { ofMergedClientsSql } from '../../../persistence/linking/merged.js'
import { MERGED_CLIENTS } from '../../../persistence/own-names.js'
import { namesIn } from '../../../persistence/sql-names.js'
import type { RowCheck } from '../../check.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'

/** Are there messages of clients who were merged into others? Only the clients that were merged are looked up. */
export const mergedMessages: RowCheck<'merged_client_messages'> = {
  name: 'merged-messages',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'createdAt', 'clientId'], Client: ['id'] },
  object: 'messages of clients who were merged into others',
  severity: 'warning',
  query: ({ own, schema }) =>
    canRead(own, MERGED_CLIENTS) && isOurs(own, MERGED_CLIENTS)
      ? countAndSample(`SELECT m."id" ${ofMergedClientsSql(namesIn(schema))}`)
      : undefined,
  findings: (result) => countFindings(mergedMessages, 'merged_client_messages', result, chatkeep('reconcile')),
  explanations: {
    merged_client_messages: {
      title: 'messages belong to clients who were merged into others',
      severities: ['warning'],
      meaning: `The client of these messages was merged into another one, who has the others. The recent chats show them as a chat
        of the merged client, and the history of the other one lacks them.`,
      cause: `They were saved with { db } in a REPEATABLE READ or SERIALIZABLE transaction that began before the merge, or inserted by
        another program; or a merge of more than 1,000 messages is still running, or was interrupted.`,
      remedy:
        'Run chatkeep reconcile. It moves them in batches, under live traffic, and notes them in moved_messages as a merge does.',
    },
  },
}
