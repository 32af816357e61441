import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { readOwnTables } from '../erasure/tables.js'
import { checkPrivileges } from '../erasure/privileges.js'
import { readKeyGuard } from '../keys/key-guard.js'
import { ownSchema, WANTED_CLIENTS } from '../own-names.js'
import type { Names } from '../sql-names.js'
import { waitingMessageSql, waitingWithClientSql, type WantedSession } from '../wanted/waiting-messages.js'
import { BATCH_MESSAGES } from './by-name.js'

/** Messages that name their client by an id that no client had when they were stored. */
export interface MessagesById {
  /** How many can be linked now: of those that nobody has linked. */
  readonly linkable: number
  /** Of these, the ones without guest name. */
  readonly linkableWithoutName: number
  /** Messages without guest name whose id no client has. */
  readonly waiting: number
  /** Messages without guest name whose id belongs to a client that was made after they were stored. */
  readonly older: number
}

/**
 * Finds the table of the ids that messages wait for.
 * @returns undefined where it is missing: then nothing waits
 * @throws OperatorError `privilege_missing`
 */
export const openWanted = async (
  client: Queryable,
  schema: string,
  names: Names,
  use: 'count' | 'link',
): Promise<WantedSession | undefined> => {
  const own = await readOwnTables(client, schema)
  if (!own.has(WANTED_CLIENTS)) return undefined
  const privileges = use === 'count' ? (['SELECT'] as const) : (['SELECT', 'DELETE'] as const)
  const need = { schema: ownSchema(schema), table: WANTED_CLIENTS, privileges }
  await checkPrivileges(client, [need], 'link messages to the clients that they name by id')
  return { names, keyGuard: await readKeyGuard(client, names), hasArchive: own.has('archive') }
}

/** SQL for whether a message will be linked by its id. */
export const linkableByIdSql = (session: WantedSession): string => `"idempotencyKey"::text IN (
       SELECT w."idempotencyKey" ${waitingWithClientSql(session)} WHERE c."id" IS NOT NULL)`

export const countById = async (client: Queryable, session: WantedSession): Promise<MessagesById> =>
  onlyRow(
    await client.query<MessagesById>(
      `SELECT count(c."id")::integer AS "linkable",
         count(c."id") FILTER (WHERE m."guestUsername" IS NULL)::integer AS "linkableWithoutName",
         count(*) FILTER (WHERE m."guestUsername" IS NULL AND c."id" IS NULL AND given."id" IS NULL)::integer AS "waiting",
         count(*) FILTER (WHERE m."guestUsername" IS NULL AND c."id" IS NULL AND given."id" IS NOT NULL)::integer AS "older"
       ${waitingWithClientSql(session)}`,
    ),
  )

// A page of notes after the other: those that still wait are not read again. SKIP LOCKED: messages that another transaction
// holds are left to the next run.
const linkSql = (session: WantedSession, after: string | null): string => {
  const { message, wantedClients } = session.names
  return `
  WITH page AS MATERIALIZED (
    SELECT * FROM ${wantedClients}
    ${after === null ? '' : 'WHERE "idempotencyKey" > $1'}
    ORDER BY "idempotencyKey"
    LIMIT ${BATCH_MESSAGES}
  ), batch AS MATERIALIZED (
    SELECT m."id", m."createdAt", m."guestUsername", w."idempotencyKey", c."id" AS "clientId"
    ${waitingWithClientSql(session, 'page')}
    WHERE c."id" IS NOT NULL
    FOR NO KEY UPDATE OF m SKIP LOCKED
  ), updated AS (
    UPDATE ${message} AS m
    SET "clientId" = batch."clientId"
    FROM batch
    WHERE m."id" = batch."id" AND m."createdAt" = batch."createdAt"
    RETURNING batch."guestUsername", batch."idempotencyKey", m."clientId"
  ), linked AS (
    SELECT * FROM updated WHERE "clientId" IS NOT NULL
  ), done AS (
    DELETE FROM ${wantedClients} AS w USING linked WHERE w."idempotencyKey" = linked."idempotencyKey"
  )
  SELECT (SELECT count(*)::integer FROM linked) AS "linked", max("idempotencyKey") AS "last",
    ((SELECT count(*) FROM batch WHERE "guestUsername" IS NULL) - (SELECT count(*) FROM linked WHERE "guestUsername" IS NULL)
    )::integer AS "kept"
  FROM page`
}

export interface LinkedById {
  readonly linked: number
  /** Messages without guest name that a trigger keeps as they are; others are tried by their name as well. */
  readonly kept: number
}

interface LinkedPage extends LinkedById {
  /** Null behind the last page. */
  readonly last: string | null
}

/** Links the messages whose client is there now. @param onLinked told after each transaction how many are linked so far */
export const linkById = async (
  client: Queryable,
  session: WantedSession,
  onLinked: (messages: number) => void,
): Promise<LinkedById> => {
  let [linked, kept] = [0, 0]
  for (let after: string | null = null; ;) {
    const page: LinkedPage = onlyRow(
      await client.query<LinkedPage>(linkSql(session, after), after === null ? [] : [after]),
    )
    if (page.last === null) return { linked, kept }
    after = page.last
    linked += page.linked
    kept += page.kept
    onLinked(linked)
  }
}

/** Forgets the ids of messages that are deleted, or were linked otherwise. What a rollback has archived comes back. */
export const forgetSettled = async (client: Queryable, session: WantedSession): Promise<void> => {
  if (session.hasArchive) return
  const { wantedClients } = session.names
  await client.query(
    `DELETE FROM ${wantedClients} AS o
     WHERE NOT EXISTS (SELECT ${waitingMessageSql(session)} WHERE w."idempotencyKey" = o."idempotencyKey")`,
  )
}
