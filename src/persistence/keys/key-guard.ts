import type { Queryable } from '../../database/connection.js'
import { hasSqlState, isServerError, SqlState } from '../../database/sql-state.js'
import { mergedSql } from '../follow-clients.js'
import { MESSAGE_KEYS } from '../own-names.js'
import type { Names } from '../sql-names.js'
import { bodyHashSql, bodySql, NOTED_KEY } from './noted-key.js'

/**
 * What keeps a key from being taken twice: the unique index of the messages or, where they are partitioned, chatkeep's table
 * of keys. A unique index of a partitioned table would have to contain the time, and take a key twice around midnight.
 */
export type KeyGuard = 'index' | 'table'

const SELECT_GUARD = `
  SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass($1) AND relkind = 'p') AS "partitioned"`

export const readKeyGuard = async (client: Queryable, { message }: Pick<Names, 'message'>): Promise<KeyGuard> => {
  const { rows } = await client.query<{ partitioned: boolean }>(SELECT_GUARD, [message])
  return rows[0]?.partitioned === true ? 'table' : 'index'
}

/** Runs work that depends on the guard. */
export type WithKeyGuard = <T>(client: Queryable, work: (guard: KeyGuard) => Promise<T>) => Promise<T>

/**
 * Takes the index for the guard until a statement fails because of what is in the database, as without a unique index it
 * does: then the guard is read, and the work runs once more. The table may be partitioned while the store is open, or
 * become an ordinary one again.
 */
export const createKeyGuard = (names: Pick<Names, 'message'>): WithKeyGuard => {
  let known: KeyGuard = 'index'
  return async (client, work) => {
    const guard = known
    try {
      return await work(guard)
    } catch (error) {
      if (!(error instanceof KeyGuardChanged) && !(isServerError(error) && error.code.startsWith('42'))) throw error
      known = await readKeyGuard(client, names)
      if (known === guard) throw error
      return work(known)
    }
  }
}

/** The table of messages is not partitioned any more: no message is the reason for what its unique index refuses. */
class KeyGuardChanged extends Error {
  override readonly name = 'KeyGuardChanged'
}

/** Runs an insert with a guard. @throws KeyGuardChanged when a unique index refuses a row, and the guard is another by now */
export const insertGuarded = async <T>(
  { client, names, keyGuard }: { readonly client: Queryable; readonly names: Names; readonly keyGuard: KeyGuard },
  insert: () => Promise<T>,
): Promise<T> => {
  try {
    return await againWhenTaken(insert)
  } catch (error) {
    if (keyGuard === 'index' || !hasSqlState(error, SqlState.uniqueViolation)) throw error
    if ((await readKeyGuard(client, names)) === keyGuard) throw error
    throw new KeyGuardChanged('the table of messages is no longer partitioned', { cause: error })
  }
}

/**
 * Whether keys of messages that were edited or deleted count. They do not while what chatkeep's own tables hold cannot be read:
 * a message is more important than a second copy of one that was deleted.
 */
export type ChangedKeys = 'known' | 'unknown'

/** SQL for the message that has, or had, the key of an incoming row `x`; NULL when the key is free. */
export const takenKeySql = (
  { message, messageKeys, changedMessages }: Names,
  guard: KeyGuard,
  changed: ChangedKeys,
): string =>
  guard === 'index'
    ? `coalesce(
      (SELECT m."id" FROM ${message} AS m WHERE m."idempotencyKey"::text = x."idempotencyKey" LIMIT 1),
      ${changed === 'known' ? `(SELECT d."messageId" FROM ${changedMessages} AS d WHERE d."idempotencyKey" = x."idempotencyKey" LIMIT 1)` : 'NULL'})`
    : `(SELECT k."messageId" FROM ${messageKeys} AS k WHERE k."idempotencyKey" = x."idempotencyKey" LIMIT 1)`

/**
 * SQL for the message `m` with the key of an incoming row `x`, what is noted of it since it was edited or deleted, `d`, and its
 * key `k`: a key outlives its message when that is deleted, or when a partition is dropped. The time lets the server look into
 * one partition; somebody may have changed it since.
 */
export const foundByKeySql = (names: Names, guard: KeyGuard, changed: ChangedKeys): string => {
  const { message, messageKeys, changedMessages } = names
  const noted =
    changed === 'known'
      ? `LEFT JOIN LATERAL (SELECT * FROM ${changedMessages} AS d WHERE d."idempotencyKey" = x."idempotencyKey" LIMIT 1) AS d ON true`
      : `CROSS JOIN (SELECT NULL::bigint AS "messageId", NULL::timestamp AS "createdAt", NULL::bigint AS "clientId", NULL::bigint AS "bodyHash") AS d`
  return guard === 'index'
    ? `LEFT JOIN LATERAL (SELECT * FROM ${message} AS m WHERE m."idempotencyKey"::text = x."idempotencyKey" LIMIT 1) AS m ON true
  ${noted}
  CROSS JOIN LATERAL (
    SELECT coalesce(m."id", d."messageId") AS "messageId", coalesce(m."createdAt", d."createdAt") AS "createdAt",
      coalesce(m."clientId", d."clientId") AS "clientId", d."bodyHash"
    WHERE coalesce(m."id", d."messageId") IS NOT NULL) AS k`
    : `CROSS JOIN LATERAL (SELECT * FROM ${messageKeys} AS k WHERE k."idempotencyKey" = x."idempotencyKey" LIMIT 1) AS k
  ${noted}
  LEFT JOIN LATERAL (
    (SELECT * FROM ${message} AS m WHERE m."createdAt" = k."createdAt" AND m."id" = k."messageId" LIMIT 1)
    UNION ALL
    (SELECT * FROM ${message} AS m WHERE m."id" = k."messageId" AND m."idempotencyKey"::text = k."idempotencyKey" LIMIT 1)
    LIMIT 1) AS m ON true`
}

/**
 * SQL for whether the message found for an incoming row `x` is the same. Of one that is gone, the hash of its body is left; of
 * one that was edited, that of the body that was sent first. A client that was merged into another is the other one. An id that
 * no client has tells nothing beside the name of a guest, which is part of the body: by that the client was found.
 */
export const sameMessageSql = (names: Names, changed: ChangedKeys): string => {
  const sameBody = `${bodySql('m')} IS NOT DISTINCT FROM ${bodySql('x')}`
  const client = (id: string): string => (changed === 'known' ? mergedSql(names, id) : id)
  const isNamedAlone =
    changed === 'known'
      ? `x."guestUsername" IS NOT NULL AND (SELECT c."id" FROM ${names.client} AS c WHERE c."id" = x."clientId" LIMIT 1) IS NULL`
      : 'false'
  return `CASE WHEN m."id" IS NULL THEN k."bodyHash" = ${bodyHashSql('x')}
      ELSE ${sameBody} OR coalesce(d."bodyHash" = ${bodyHashSql('x')}, false) END
    AND (coalesce(${client('coalesce(m."clientId", k."clientId")')} = ${client('x."clientId"')}, true) OR ${isNamedAlone})`
}

/** SQL for a common table expression that takes the keys of the messages of `inserted`. */
export const takingKeysSql = ({ messageKeys }: Names): string => `taken AS (
    INSERT INTO ${messageKeys} (${NOTED_KEY})
    SELECT "idempotencyKey", "id", "storedAt", "clientId", "bodyHash" FROM inserted
  )`

/** SQL for an insert of messages `m`, and for what is written of these, `inserted`, in the same statement. @param columns that it returns */
export const insertAlsoSql = (insert: string, also: readonly string[], columns: string): string => `
  WITH inserted AS (${insert}, m."createdAt" AS "storedAt", ${bodyHashSql('m')} AS "bodyHash"
  ), ${also.join(', ')}
  SELECT ${columns} FROM inserted`

/** How often a save whose key another session takes at the same moment looks again; once is enough, unless it is deleted. */
const MAX_LOOKS = 3

// When another session took one of its keys meanwhile, the insert finds it the next time and leaves it out.
const againWhenTaken = async <T>(insert: () => Promise<T>): Promise<T> => {
  for (let look = 1; ; look += 1) {
    try {
      return await insert()
    } catch (error) {
      if (look === MAX_LOOKS || !isTakenKey(error)) throw error
    }
  }
}

// The partition of the table of keys is named.
const isTakenKey = (error: unknown): boolean =>
  hasSqlState(error, SqlState.uniqueViolation) && error.table?.startsWith(MESSAGE_KEYS) === true
