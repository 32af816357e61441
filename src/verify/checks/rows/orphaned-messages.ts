import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { newestRows } from './newest-rows.js'
import { or, sql } from '../../../next-step.js'

/** With a valid foreign key only these are looked at: a restore that disables triggers gets past the key. */
const NEWEST = 10_000

/** Does the client of every message exist? Without a valid foreign key, this reads an index over all messages. */
export const orphanedMessages: RowCheck<'orphaned_messages'> = {
  name: 'orphaned-messages',
  expectations: ALWAYS,
  needs: { ChatMessage: ['id', 'clientId'], Client: ['id'] },
  object: 'messages of clients that do not exist',
  severity: 'error',
  query: (facts) => {
    const { schema } = facts
    const table = qualified(schema, 'ChatMessage')
    const newest = `(${newestRows('"id", "clientId"', table, NEWEST)})`
    return countAndSample(`
      SELECT m."id"
      FROM ${facts.integrity.clientReferenced ? newest : table} AS m
      WHERE m."clientId" IS NOT NULL
        AND NOT EXISTS (SELECT FROM ${qualified(schema, 'Client')} AS c WHERE c."id" = m."clientId")`)
  },
  findings: (result, { schema }) => {
    const message = qualified(schema, 'ChatMessage')
    const client = qualified(schema, 'Client')
    const help = [
      'restore those clients from a backup',
      or(
        sql(
          `INSERT INTO ${client} ("id", "username", "updatedAt") SELECT DISTINCT m."clientId", 'lost client ' || m."clientId", timezone('UTC', now()) FROM ${message} AS m WHERE m."clientId" IS NOT NULL AND NOT EXISTS (SELECT FROM ${client} AS c WHERE c."id" = m."clientId")`,
          'put a client in the place of each',
        ),
      ),
    ]
    return countFindings(orphanedMessages, 'orphaned_messages', result, help)
  },
  explanations: {
    orphaned_messages: {
      title: 'messages refer to a client that does not exist',
      severities: ['error'],
      meaning: `Their "clientId" is the id of no client. They are counted, but belong to a chat that cannot be
        opened; if the id is used again, they become messages of another person. Where a valid foreign key should rule
        it out, only the newest 10,000 messages are looked at.`,
      cause: `Clients were deleted while the foreign key was missing, NOT VALID, or its triggers were disabled. Or they
        were not restored: pg_restore --disable-triggers gets past a valid foreign key.`,
      remedy: `Restore the clients from a backup, or set "clientId" to NULL in messages that have a "guestUsername"
        (chatkeep reconcile then links them). Then add or validate the foreign key.`,
    },
  },
}
