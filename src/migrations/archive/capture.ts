import { escapeLiteral } from 'pg'
import { escapeIdentifier } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { CAPTURE_FUNCTION, MISSED_WRITES, type OwnNames } from '../../persistence/own-names.js'
import type { ArchivedColumn, RollbackRange } from '../ledger/rollback-range.js'
import { runInApplicationPath } from '../running/application-path.js'
import type { OwnClient } from '../own/own-client.js'
import type { OwnState } from '../own/own-state.js'
import { ownStatements } from '../own/own-statements.js'
import { CAPTURE_TRIGGER, readArchiveObjects, type ArchiveObjects } from './archive.js'

/** What the archive keeps of messages: dropped columns and, if every message needs a client, the original client. */
export type Kept = Pick<RollbackRange, 'columns' | 'needsClients'>

/** The session setting that makes the trigger ignore our own changes. Only the rollback's own session is heard. */
const OWN_CHANGES = 'chatkeep.rolling_back'

/** The setting, for one transaction, that a write of it has waited for the archive in vain. */
const HAS_WAITED = 'chatkeep.has_waited'

/** A write of the application waits at most this long for the archive, once in a transaction. */
const ARCHIVE_WAIT_MS = 500

/**
 * A write that could not be archived waits at most this long to be counted. Longer than the server's deadlock_timeout (1 s): a
 * DROP SCHEMA that holds the counter and waits for the writer's table is ended by then.
 */
const COUNTER_WAIT_MS = 2_000

// SECURITY DEFINER: the application's role can write messages, but has no privileges on the archive. Its owner is the owner
// of "ChatMessage". A column that is already dropped is absent from the row's JSON; its archived value stays.
// Nothing that goes wrong here may fail the application's statement: the write passes and is counted, with nextval because
// that survives a rolled back transaction, and the rollback stops before it drops what the archive lacks. After that, the
// other rows of the transaction do not wait: the rollback has to be run again anyway. As long as the archive takes rows, the
// counter is not looked at, so a lock on it does no harm.
const createCaptureFunction = (names: OwnNames, kept: Kept, processId: number): string => `
CREATE OR REPLACE FUNCTION ${names.capture}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = ${ARCHIVE_WAIT_MS} AS $capture$
DECLARE
  old_row jsonb;
  new_row jsonb;
  candidate jsonb;
  needs_archive boolean := false;
  has_waited boolean := coalesce(current_setting('${HAS_WAITED}', true), '') = 'on';
BEGIN
  IF pg_backend_pid() = ${processId} AND current_setting('${OWN_CHANGES}', true) = 'on' THEN
    RETURN NULL;
  END IF;
  old_row := to_jsonb(OLD);
  new_row := to_jsonb(NEW);
  FOREACH candidate IN ARRAY ARRAY[old_row, new_row] LOOP
    needs_archive := needs_archive OR (candidate IS NOT NULL AND (${needsArchive(kept)}));
  END LOOP;
  IF NOT needs_archive THEN
    RETURN NULL;
  END IF;
  IF has_waited THEN
    PERFORM set_config('lock_timeout', '1', true);
    IF pg_sequence_last_value(${escapeLiteral(names.missedWrites)}::regclass) IS NOT NULL THEN
      RETURN NULL;
    END IF;
  ELSIF current_setting('statement_timeout') <> '0' THEN
    ${waitAtMost(ARCHIVE_WAIT_MS)}
  END IF;
  INSERT INTO ${names.archive} AS a
    ("messageId", "createdAt", "clientId"${kept.columns.map((column) => `, "${column}"`).join('')})
  VALUES ((new_row ->> 'id')::bigint, (new_row ->> 'createdAt')::timestamp, (new_row ->> 'clientId')::bigint${kept.columns.map(newValue).join('')})
  ON CONFLICT ("messageId") DO UPDATE SET
    "createdAt" = EXCLUDED."createdAt",
    "clientId" = CASE WHEN old_row -> 'clientId' IS DISTINCT FROM new_row -> 'clientId' THEN EXCLUDED."clientId" ELSE a."clientId" END,
    "linkedClientId" = CASE WHEN old_row -> 'clientId' IS DISTINCT FROM new_row -> 'clientId' THEN NULL ELSE a."linkedClientId" END
    ${kept.columns.map(takeNewValue).join('')};
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'chatkeep rollback: a message was not archived: % [%]', SQLERRM, SQLSTATE;
  BEGIN
    IF NOT has_waited THEN
      ${waitAtMost(COUNTER_WAIT_MS)}
    END IF;
    PERFORM nextval(${escapeLiteral(names.missedWrites)}::regclass);
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END;
  PERFORM set_config('${HAS_WAITED}', 'on', true);
  RETURN NULL;
END
$capture$`

// The application's own statement_timeout must not end its statement here, so at most a quarter of it is waited.
const waitAtMost = (ms: number): string =>
  `PERFORM set_config('lock_timeout', greatest(1, least(${ms}, coalesce(extract(epoch FROM nullif(current_setting('statement_timeout'), '0')::interval) * 250, ${ms})))::integer::text, true);`

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

// ALWAYS: it fires for logical replication and in sessions with session_replication_role = replica, too.
const createTrigger = (names: OwnNames): readonly string[] => [
  `CREATE TRIGGER "${CAPTURE_TRIGGER}" AFTER INSERT OR UPDATE ON ${names.message}
  FOR EACH ROW EXECUTE FUNCTION ${names.capture}()`,
  `ALTER TABLE ${names.message} ENABLE ALWAYS TRIGGER "${CAPTURE_TRIGGER}"`,
]

/** The statements that create archive, trigger function and trigger, in one transaction. */
export const startStatements = (
  own: OwnState,
  kept: Kept,
  { processId, objects }: { readonly processId: number; readonly objects: ArchiveObjects },
): readonly string[] => {
  const { names, owner, role } = own
  const give = (kind: string, name: string): readonly string[] =>
    owner === role ? [] : [`ALTER ${kind} ${name} OWNER TO ${escapeIdentifier(owner)}`]
  return [
    ...ownStatements(own, true),
    ...(objects.missedWrites ? [`DROP SEQUENCE ${names.missedWrites}`] : []),
    `CREATE SEQUENCE ${names.missedWrites}`,
    ...give('SEQUENCE', names.missedWrites),
    createCaptureFunction(names, kept, processId).trim(),
    ...give('FUNCTION', `${names.capture}()`),
    `REVOKE ALL ON FUNCTION ${names.capture}() FROM PUBLIC`,
    ...(objects.trigger ? [`DROP TRIGGER "${CAPTURE_TRIGGER}" ON ${names.message}`] : []),
    ...createTrigger(names),
  ]
}

/** The statements that drop trigger, function and counter. */
export const dropStatements = (
  names: OwnNames,
  objects: Pick<ArchiveObjects, 'trigger' | 'capture' | 'missedWrites'>,
): readonly string[] => [
  ...(objects.trigger ? [`DROP TRIGGER "${CAPTURE_TRIGGER}" ON ${names.message}`] : []),
  ...(objects.capture ? [`DROP FUNCTION ${names.capture}()`] : []),
  ...(objects.missedWrites ? [`DROP SEQUENCE ${names.missedWrites}`] : []),
]

/** Creates archive tables, trigger function and trigger in the caller's transaction. Only their owner can read the tables. */
export const startCapture = async (client: OwnClient, own: OwnState, kept: Kept): Promise<void> => {
  const objects = await readArchiveObjects(client)
  const { processId } = onlyRow(await client.query<{ processId: number }>('SELECT pg_backend_pid() AS "processId"'))
  await runInApplicationPath(client, startStatements(own, kept, { processId, objects }))
}

/** Makes the trigger ignore the rest of this transaction. */
export const ignoreOwnChanges = async (client: OwnClient): Promise<void> => {
  await client.query(`SET LOCAL ${OWN_CHANGES} = 'on'`)
}

/** Drops trigger, function and counter in the caller's transaction. */
export const dropCapture = (client: OwnClient, objects: ArchiveObjects): Promise<void> =>
  runInApplicationPath(client, dropStatements(client.own, objects))

// xmin changes when somebody alters, disables, truncates or re-grants the object, and even if it was altered back.
const SELECT_STATE = `
  SELECT concat_ws(' ',
    (SELECT string_agg(concat_ws('/', c.relname, c.oid, c.xmin), ',' ORDER BY c.relname)
     FROM pg_catalog.pg_class AS c WHERE c.relnamespace = own.oid AND c.relname IN ('archive', 'archive_pkey', '${MISSED_WRITES}')),
    (SELECT string_agg(concat_ws('/', p.oid, p.xmin), ',') FROM pg_catalog.pg_proc AS p
     WHERE p.pronamespace = own.oid AND p.proname = '${CAPTURE_FUNCTION}'),
    (SELECT concat_ws('/', t.oid, t.xmin) FROM pg_catalog.pg_trigger AS t
     WHERE t.tgrelid = to_regclass($2) AND t.tgname = '${CAPTURE_TRIGGER}'),
    own.oid, own.xmin) AS "state"
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace AS own ON own.nspname = $1`

/** Identifies the objects that the trigger depends on: a different answer later means that writes may have passed it. */
export const readCaptureState = async (client: OwnClient): Promise<string> =>
  onlyRow(await client.query<{ state: string }>(SELECT_STATE, [client.own.schema, client.own.message])).state

/** Whether the trigger counted a write because it could not archive it. */
export const hasMissedWrites = async (client: OwnClient): Promise<boolean> =>
  onlyRow(await client.query<{ missed: boolean }>(`SELECT is_called AS "missed" FROM ${client.own.missedWrites}`))
    .missed
