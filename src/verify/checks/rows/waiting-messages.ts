import { isOurs } from '../../../migrations/own/own-conflicts.js'
import { canRead } from '../../../migrations/own/own-state.js'
import { isPartitioned } from '../../../migrations/partitions/partitions.js'
import { qualified } from '../../../database/identifier.js'
import { MERGED_CLIENTS, WANTED_CLIENTS } from '../../../persistence/own-names.js'
import { findColumn } from '../../../persistence/shape.js'
import { namesIn } from '../../../persistence/sql-names.js'
import { waitingWithClientSql } from '../../../persistence/wanted/waiting-messages.js'
import { or, sql } from '../../../next-step.js'
import type { RowCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'

/** SQL, from FROM on, for messages that wait for the client of an id; undefined where that cannot be read. */
export const waitingSql = ({ schema, own, catalog }: Facts): string | undefined =>
  findColumn(catalog, 'ChatMessage', 'idempotencyKey') !== undefined &&
  canRead(own, WANTED_CLIENTS) &&
  isOurs(own, WANTED_CLIENTS) &&
  canRead(own, MERGED_CLIENTS)
    ? waitingWithClientSql({ names: namesIn(schema), keyGuard: isPartitioned(catalog) ? 'table' : 'index' })
    : undefined

/** Are there messages that name a client by an id that no client of their time has? */
export const waitingMessages: RowCheck<'waiting_messages'> = {
  name: 'waiting-messages',
  expectations: ['migrated'],
  needs: {
    ChatMessage: ['id', 'createdAt', 'clientId', 'guestUsername', 'idempotencyKey'],
    Client: ['id', 'createdAt'],
  },
  object: 'messages that wait for the client whose id they name',
  severity: 'warning',
  query: (facts) => {
    const waiting = waitingSql(facts)
    return waiting === undefined
      ? undefined
      : countAndSample(`SELECT m."id" ${waiting} WHERE c."id" IS NULL AND m."guestUsername" IS NULL`)
  },
  findings: (result, { schema }) => {
    const [message, wanted] = [qualified(schema, 'ChatMessage'), namesIn(schema).wantedClients]
    const help = [
      sql(
        `SELECT w."clientId" AS "wantedClientId", m.* FROM ${wanted} AS w JOIN ${message} AS m ON m."idempotencyKey" = w."idempotencyKey"`,
        'see them, and set "clientId" or "guestUsername"',
      ),
      or(
        'insert the client, if its transaction was rolled back by mistake, with its "createdAt"; then run chatkeep reconcile',
      ),
    ]
    return countFindings(waitingMessages, 'waiting_messages', result, help)
  },
  explanations: {
    waiting_messages: {
      title: 'messages wait for a client that is not there',
      severities: ['warning'],
      meaning: `They were saved with a clientId that no client had, and without guest name. chatkeep keeps that id, and
        chatkeep reconcile links them once the client is there. Until then no history of a client shows them. A client of that
        id that was made after the message (more than five minutes, as clocks differ) is not taken for the one that was meant.`,
      cause: `The transaction that inserted the client is still open, or was rolled back after the message had been saved on
        another connection. Or the client was deleted meanwhile, or the application passes a wrong id.`,
      remedy: `Pass { db } to saveChatMessage inside a transaction, so that the message shares its fate. List the messages with the
        query in the finding, and give each a client or a guest name; those that have one are not counted any more.`,
    },
  },
}
