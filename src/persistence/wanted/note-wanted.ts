import { BEGIN } from '../../database/transaction.js'
import type { Names } from '../sql-names.js'

/** Begins what needs the table of wanted ids: a statement asks for its lock before it can set a time-out itself. */
export const BEGIN_NOTING = `${BEGIN}; SET LOCAL lock_timeout = 250`

/**
 * SQL for a common table expression that keeps which clients the messages of `inserted` name, all of which are stored without one. In
 * the statement of the insert: there is no message whose client is forgotten, and none is noted that is not stored.
 * @param source the incoming rows, `x`, each key once
 */
export const notingWantedSql = ({ wantedClients }: Names, source: string): string => `noted AS (
    INSERT INTO ${wantedClients} ("idempotencyKey", "createdAt", "clientId")
    SELECT i."idempotencyKey", i."storedAt", x."clientId"
    FROM inserted AS i JOIN ${source} ON x."idempotencyKey" = i."idempotencyKey"
    WHERE x."clientId" IS NOT NULL
    ON CONFLICT ("idempotencyKey") DO UPDATE
    SET "createdAt" = EXCLUDED."createdAt", "clientId" = EXCLUDED."clientId", "at" = EXCLUDED."at"
  )`
