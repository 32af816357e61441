import type { Queryable } from '../database/connection.js'
import { qualified } from '../database/identifier.js'
import { onlyRow } from '../database/rows.js'

/**
 * Where a rollback keeps what the old schema cannot hold. Every statement expects our schema first in the search path.
 * `chatkeep_archive`: one row per message with guest data, a key or no client. `chatkeep_archive_client`: clients that the
 * rollback had to create. `chatkeep_archive_guest_client`: the clients that were made of guests, a table that its
 * migration's way back renames. `chatkeep_capture`: a trigger that keeps the archive complete while others go on writing.
 */
export const GUARD = 'chatkeep_clientId_not_null'

const CREATE_ARCHIVE = [
  `CREATE TABLE IF NOT EXISTS "chatkeep_archive" (
    "messageId" bigint PRIMARY KEY,
    "clientId" bigint,
    "linkedClientId" bigint,
    "guestUsername" text,
    "guestPhone" text,
    "idempotencyKey" text,
    "guestUnverified" boolean,
    "removedRow" json
  )`,
  `CREATE INDEX IF NOT EXISTS "chatkeep_archive_unlinked_idx" ON "chatkeep_archive" ("guestUsername")
    WHERE "clientId" IS NULL AND "linkedClientId" IS NULL`,
  `CREATE TABLE IF NOT EXISTS "chatkeep_archive_client" (
    "clientId" bigint PRIMARY KEY,
    "row" json NOT NULL
  )`,
]

/** The session setting under which the trigger lets our own changes pass. */
const OWN_CHANGES = 'chatkeep.rolling_back'

// SECURITY DEFINER: the application's role may write messages, but has no right to the archive.
// A column that is dropped meanwhile is absent from the row's JSON; what was archived of it stays.
const createCaptureFunction = (schema: string): string => `
  CREATE OR REPLACE FUNCTION "chatkeep_capture"() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $capture$
  DECLARE
    old_row jsonb := to_jsonb(OLD);
    new_row jsonb := to_jsonb(NEW);
    needs_archive boolean := false;
    candidate jsonb;
  BEGIN
    IF current_setting('${OWN_CHANGES}', true) = 'on' THEN
      RETURN NULL;
    END IF;
    FOREACH candidate IN ARRAY ARRAY[old_row, new_row] LOOP
      needs_archive := needs_archive OR (candidate IS NOT NULL AND (candidate ->> 'clientId' IS NULL
        OR coalesce(candidate ->> 'guestUsername', candidate ->> 'guestPhone', candidate ->> 'idempotencyKey') IS NOT NULL
        OR coalesce((candidate ->> 'guestUnverified')::boolean, false)));
    END LOOP;
    IF NOT needs_archive THEN
      RETURN NULL;
    END IF;
    INSERT INTO ${qualified(schema, 'chatkeep_archive')} AS a
      ("messageId", "clientId", "guestUsername", "guestPhone", "idempotencyKey", "guestUnverified")
    VALUES ((new_row ->> 'id')::bigint, (new_row ->> 'clientId')::bigint,
      new_row ->> 'guestUsername', new_row ->> 'guestPhone', new_row ->> 'idempotencyKey',
      (new_row ->> 'guestUnverified')::boolean)
    ON CONFLICT ("messageId") DO UPDATE SET
      "clientId" = CASE WHEN old_row -> 'clientId' IS DISTINCT FROM new_row -> 'clientId' THEN EXCLUDED."clientId" ELSE a."clientId" END,
      "linkedClientId" = CASE WHEN old_row -> 'clientId' IS DISTINCT FROM new_row -> 'clientId' THEN NULL ELSE a."linkedClientId" END,
      "guestUsername" = CASE WHEN new_row ? 'guestUsername' THEN EXCLUDED."guestUsername" ELSE a."guestUsername" END,
      "guestPhone" = CASE WHEN new_row ? 'guestPhone' THEN EXCLUDED."guestPhone" ELSE a."guestPhone" END,
      "idempotencyKey" = CASE WHEN new_row ? 'idempotencyKey' THEN EXCLUDED."idempotencyKey" ELSE a."idempotencyKey" END,
      "guestUnverified" = CASE WHEN new_row ? 'guestUnverified' THEN EXCLUDED."guestUnverified" ELSE a."guestUnverified" END;
    RETURN NULL;
  END
  $capture$`

const CREATE_CAPTURE_TRIGGER = `
  CREATE TRIGGER "chatkeep_capture" AFTER INSERT OR UPDATE ON "ChatMessage"
  FOR EACH ROW EXECUTE FUNCTION "chatkeep_capture"()`

// NOT VALID: holds for new rows at once and reads no old ones; VALIDATE then reads them without stopping anybody.
export const ADD_GUARD = `ALTER TABLE "ChatMessage" ADD CONSTRAINT "${GUARD}" CHECK ("clientId" IS NOT NULL) NOT VALID`
export const VALIDATE_GUARD = `ALTER TABLE "ChatMessage" VALIDATE CONSTRAINT "${GUARD}"`

const DROP_CAPTURE_TRIGGER = 'DROP TRIGGER "chatkeep_capture" ON "ChatMessage"'
const DROP_CAPTURE_FUNCTION = 'DROP FUNCTION "chatkeep_capture"()'
const REVOKE_CAPTURE_FUNCTION = 'REVOKE ALL ON FUNCTION "chatkeep_capture"() FROM PUBLIC'

/** What `createArchive` runs, for a plan. */
export const archiveStatements = (schema: string): readonly string[] => [
  ...CREATE_ARCHIVE,
  createCaptureFunction(schema),
  REVOKE_CAPTURE_FUNCTION,
  CREATE_CAPTURE_TRIGGER,
]

/** What `dropCapture` runs, for a plan. */
export const DROP_CAPTURE: readonly string[] = [DROP_CAPTURE_TRIGGER, DROP_CAPTURE_FUNCTION]

const SELECT_OBJECTS = `
  SELECT to_regclass('"chatkeep_archive"') IS NOT NULL AS "archive",
    to_regclass('"chatkeep_archive_guest_client"') IS NOT NULL AS "guestClients",
    to_regprocedure('"chatkeep_capture"()') IS NOT NULL AS "capture",
    EXISTS (SELECT FROM pg_catalog.pg_trigger
            WHERE tgrelid = to_regclass('"ChatMessage"') AND tgname = 'chatkeep_capture') AS "trigger",
    EXISTS (SELECT FROM pg_catalog.pg_constraint
            WHERE conrelid = to_regclass('"ChatMessage"') AND conname = '${GUARD}') AS "guard"`

/** Which of our temporary objects are there. */
export interface ArchiveObjects {
  readonly archive: boolean
  /** The archived clients that were made of guests. */
  readonly guestClients: boolean
  readonly capture: boolean
  readonly trigger: boolean
  readonly guard: boolean
}

export const readArchiveObjects = async (client: Queryable): Promise<ArchiveObjects> => {
  return onlyRow(await client.query<ArchiveObjects>(SELECT_OBJECTS))
}

/** Creates tables, trigger function and trigger, inside the caller's transaction. Nobody but their owner may read them. */
export const createArchive = async (client: Queryable, schema: string): Promise<void> => {
  const { trigger } = await readArchiveObjects(client)
  await ensureArchiveTables(client)
  await client.query(createCaptureFunction(schema))
  await client.query(REVOKE_CAPTURE_FUNCTION)
  if (!trigger) await client.query(CREATE_CAPTURE_TRIGGER)
}

/** Creates the tables that are missing. One kind of archive may be there without the others. */
export const ensureArchiveTables = async (client: Queryable): Promise<void> => {
  for (const statement of CREATE_ARCHIVE) await client.query(statement)
  for (const table of ['chatkeep_archive', 'chatkeep_archive_client']) await revokeFromOthers(client, table)
}

// Hosted databases grant new tables to their web roles by default privileges.
const SELECT_GRANTEES = `
  SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS "grantee"
  FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a
  WHERE c.oid = to_regclass($1) AND a.grantee <> c.relowner`

const revokeFromOthers = async (client: Queryable, table: string): Promise<void> => {
  const { rows } = await client.query<{ grantee: string }>(SELECT_GRANTEES, [`"${table}"`])
  for (const { grantee } of rows) await client.query(`REVOKE ALL ON "${table}" FROM ${grantee}`)
}

/** Lets the trigger pass what this transaction does. */
export const markOwnChanges = async (client: Queryable): Promise<void> => {
  await client.query(`SET LOCAL ${OWN_CHANGES} = 'on'`)
}

/** Removes trigger, function and guard, inside the caller's transaction. What they guarded is archived or undone. */
export const dropCapture = async (client: Queryable, objects: ArchiveObjects): Promise<void> => {
  if (objects.trigger) await client.query(DROP_CAPTURE_TRIGGER)
  if (objects.capture) await client.query(DROP_CAPTURE_FUNCTION)
}

export const dropGuard = async (client: Queryable): Promise<void> => {
  await client.query(`ALTER TABLE "ChatMessage" DROP CONSTRAINT IF EXISTS "${GUARD}"`)
}

export const dropArchive = async (client: Queryable): Promise<void> => {
  await client.query(
    'DROP TABLE IF EXISTS "chatkeep_archive", "chatkeep_archive_client", "chatkeep_archive_guest_client"',
  )
}

/** Size and checksum of the archive; the checksum does not depend on the order of rows. */
export interface ArchiveSummary {
  readonly messages: number
  readonly removedMessages: number
  readonly linkedMessages: number
  readonly clients: number
  /** Clients of before the rollback that had been made of guests. */
  readonly guestClients: number
  readonly checksum: string
}

// The first 60 bits of each row's md5, summed up: constant memory for any number of rows.
const SUMMARISE = `
  SELECT count(*)::integer AS "messages",
    count("removedRow")::integer AS "removedMessages",
    count("linkedClientId")::integer AS "linkedMessages",
    (SELECT count(*)::integer FROM "chatkeep_archive_client") AS "clients",
    coalesce(sum(('x' || left(md5(a::text), 15))::bit(60)::bigint), 0)::text AS "checksum"
  FROM "chatkeep_archive" AS a`

const COUNT_GUEST_CLIENTS = `SELECT count(*)::integer AS "count" FROM "chatkeep_archive_guest_client"`

interface Count {
  readonly count: number
}

export const summariseArchive = async (client: Queryable): Promise<ArchiveSummary> => {
  const { guestClients } = await readArchiveObjects(client)
  const summary = onlyRow(await client.query<Omit<ArchiveSummary, 'guestClients'>>(SUMMARISE))
  return { ...summary, guestClients: guestClients ? onlyRow(await client.query<Count>(COUNT_GUEST_CLIENTS)).count : 0 }
}
