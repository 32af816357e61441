import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { CREATE_ARCHIVE, ensureArchiveTables, readArchiveObjects, type ArchiveObjects } from './archive.js'
import type { ArchivedColumn, RollbackRange } from '../ledger/rollback-range.js'

/** What the archive keeps of messages: dropped columns and, if every message needs a client, the original client. */
export type Kept = Pick<RollbackRange, 'columns' | 'needsClients'>

/** The session setting that makes the trigger ignore our own changes. */
const OWN_CHANGES = 'chatkeep.rolling_back'

// SECURITY DEFINER: the application's role can write messages, but has no privileges on the archive.
// A column that is already dropped is absent from the row's JSON; its archived value stays.
const createCaptureFunction = (schema: string, kept: Kept): string => `
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
      needs_archive := needs_archive OR (candidate IS NOT NULL AND (${needsArchive(kept)}));
    END LOOP;
    IF NOT needs_archive THEN
      RETURN NULL;
    END IF;
    INSERT INTO ${qualified(schema, 'chatkeep_archive')} AS a
      ("messageId", "clientId"${kept.columns.map((column) => `, "${column}"`).join('')})
    VALUES ((new_row ->> 'id')::bigint, (new_row ->> 'clientId')::bigint${kept.columns.map(newValue).join('')})
    ON CONFLICT ("messageId") DO UPDATE SET
      "clientId" = CASE WHEN old_row -> 'clientId' IS DISTINCT FROM new_row -> 'clientId' THEN EXCLUDED."clientId" ELSE a."clientId" END,
      "linkedClientId" = CASE WHEN old_row -> 'clientId' IS DISTINCT FROM new_row -> 'clientId' THEN NULL ELSE a."linkedClientId" END
      ${kept.columns.map(takeNewValue).join('')};
    RETURN NULL;
  END
  $capture$`

const needsArchive = ({ columns, needsClients }: Kept): string =>
  [
    ...(needsClients ? [`candidate ->> 'clientId' IS NULL`] : []),
    ...columns.map((column) =>
      column === 'guestUnverified'
        ? `coalesce((candidate ->> 'guestUnverified')::boolean, false)`
        : `candidate ->> '${column}' IS NOT NULL`,
    ),
  ].join(' OR ')

const newValue = (column: ArchivedColumn): string =>
  column === 'guestUnverified' ? `, (new_row ->> 'guestUnverified')::boolean` : `, new_row ->> '${column}'`

const takeNewValue = (column: ArchivedColumn): string =>
  `, "${column}" = CASE WHEN new_row ? '${column}' THEN EXCLUDED."${column}" ELSE a."${column}" END`

const CREATE_CAPTURE_TRIGGER = `
  CREATE TRIGGER "chatkeep_capture" AFTER INSERT OR UPDATE ON "ChatMessage"
  FOR EACH ROW EXECUTE FUNCTION "chatkeep_capture"()`

const REVOKE_CAPTURE_FUNCTION = 'REVOKE ALL ON FUNCTION "chatkeep_capture"() FROM PUBLIC'
const DROP_CAPTURE_TRIGGER = 'DROP TRIGGER "chatkeep_capture" ON "ChatMessage"'
const DROP_CAPTURE_FUNCTION = 'DROP FUNCTION "chatkeep_capture"()'

/** The statements of `startCapture`, for a plan. */
export const startStatements = (schema: string, kept: Kept): readonly string[] => [
  ...CREATE_ARCHIVE,
  createCaptureFunction(schema, kept),
  REVOKE_CAPTURE_FUNCTION,
  CREATE_CAPTURE_TRIGGER,
]

/** The statements of `dropCapture`, for a plan. */
export const DROP_CAPTURE: readonly string[] = [DROP_CAPTURE_TRIGGER, DROP_CAPTURE_FUNCTION]

/** Creates archive tables, trigger function and trigger in the caller's transaction. Only their owner can read the tables. */
export const startCapture = async (client: Queryable, schema: string, kept: Kept): Promise<void> => {
  const { trigger } = await readArchiveObjects(client)
  await ensureArchiveTables(client)
  await client.query(createCaptureFunction(schema, kept))
  await client.query(REVOKE_CAPTURE_FUNCTION)
  if (!trigger) await client.query(CREATE_CAPTURE_TRIGGER)
}

/** Makes the trigger ignore the rest of this transaction. */
export const ignoreOwnChanges = async (client: Queryable): Promise<void> => {
  await client.query(`SET LOCAL ${OWN_CHANGES} = 'on'`)
}

/** Drops trigger and function in the caller's transaction. */
export const dropCapture = async (client: Queryable, objects: ArchiveObjects): Promise<void> => {
  if (objects.trigger) await client.query(DROP_CAPTURE_TRIGGER)
  if (objects.capture) await client.query(DROP_CAPTURE_FUNCTION)
}
