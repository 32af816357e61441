import { mergedSql } from '../follow-clients.js'
import type { KeyGuard } from '../keys/key-guard.js'
import type { OwnNames } from '../own-names.js'
import type { Names } from '../sql-names.js'

/** What messages that wait for a client are found with. */
export interface WantedSession {
  readonly names: Names
  readonly keyGuard: KeyGuard
  /** Whether a rollback has archived messages that are not back yet. */
  readonly hasArchive: boolean
}

/**
 * SQL, from FROM on, for what is noted, `w`, and the messages, `m`, that are still without client. The key tells a message from
 * another one that got its id later, and is still the same when a rollback moved the message out and back.
 * @param notes the relation that has the notes
 */
export const waitingMessageSql = (
  { names, keyGuard }: Omit<WantedSession, 'hasArchive'>,
  notes = names.wantedClients,
): string => `
  FROM ${notes} AS w
  JOIN ${names.message} AS m ON m."idempotencyKey"::text = w."idempotencyKey"
    ${keyGuard === 'table' ? 'AND m."createdAt" = w."createdAt"' : ''} AND (m."clientId" IS NULL) IS TRUE`

/** SQL, from FROM on, for what is noted, `w`, and the messages of a rollback's archive, `a`, that had no client before it. */
export const waitingArchivedSql = ({ wantedClients, archive }: Pick<OwnNames, 'wantedClients' | 'archive'>): string => `
  FROM ${wantedClients} AS w
  JOIN ${archive} AS a ON a."idempotencyKey" = w."idempotencyKey" AND a."clientId" IS NULL`

/** How much later than the message its client may seem to be made: the clocks of two machines differ. */
const CLOCKS_DIFFER = '5 minutes'

/**
 * SQL for whether `given`, who has the id that `w` notes, was made after the message was stored. The caller who saved it knew the id, so that
 * had been given before: a later client got an id that was wrong, or was given twice, and is somebody else.
 */
const IS_ANOTHER = `given."createdAt" > (w."at" AT TIME ZONE 'UTC') + interval '${CLOCKS_DIFFER}'`

/** SQL, from FROM on, for what is noted, `w`, with an id that is another client's now, `given`. */
export const ofAnotherSql = ({ wantedClients, client }: Pick<Names, 'wantedClients' | 'client'>): string => `
  FROM ${wantedClients} AS w
  JOIN ${client} AS given ON given."id" = w."clientId" AND ${IS_ANOTHER}`

/**
 * SQL as `waitingMessageSql`, with the client that has the id, `given`, and the one to whom the message belongs, `c`: the same, or the one
 * into whom it was merged. There is none if `given` is another.
 */
export const waitingWithClientSql = (
  session: Omit<WantedSession, 'hasArchive'>,
  notes = session.names.wantedClients,
): string => `${waitingMessageSql(session, notes)}
  LEFT JOIN ${session.names.client} AS given ON given."id" = w."clientId"
  LEFT JOIN ${session.names.client} AS c ON c."id" = ${mergedSql(session.names, 'w."clientId"')}
    AND (${IS_ANOTHER}) IS NOT TRUE`
