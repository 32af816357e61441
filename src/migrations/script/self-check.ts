import { escapeLiteral } from 'pg'
import { COMMIT_LOCALLY } from '../../database/durability/commit-locally.js'
import { pinInScript, unpinInScript } from '../../database/pinned-settings.js'
import { onlyRow } from '../../database/rows.js'
import { OWN_TABLES } from '../own/own-tables.js'
import type { OwnClient } from '../own/own-client.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { DATABASE_OID, MAY_READ_SYSTEM, readDatabaseIdentity, SELECT_SYSTEM } from '../plan/database-identity.js'
import type { ScriptForm } from '../plan/draft-steps.js'
import { dollarQuoted, LOCK_TIMEOUT } from './assemble.js'
import { setApplicationPath } from '../running/application-path.js'
import { MIGRATION_LOCK_KEY as LOCK_KEY } from '../../database/blockers.js'

/** What a script belongs to: it runs nowhere else, and not after anything has changed. */
export interface ScriptHome {
  readonly database: string
  readonly databaseOid: string
  /** Of the cluster; null where this role may not read it. */
  readonly systemIdentifier: string | null
  readonly majorVersion: number
  readonly role: string
  /** Of tables, columns, indexes, constraints and triggers, and of the history. */
  readonly state: string
}

const TABLES_OF_HISTORY = OWN_TABLES.map(({ name }) => escapeLiteral(name)).join(', ')

// Object identifiers, because names and definitions are printed depending on the search path.
const shapeOf = ({ message, client, user, schema }: OwnNames): string => {
  const tables = [message, client, user].map((table) => `to_regclass(${escapeLiteral(table)})`).join(', ')
  return `concat_ws('|',
    (SELECT string_agg(concat_ws(' ', a.attrelid, a.attname, a.atttypid, a.attnotnull, a.atthasdef), ',' ORDER BY a.attrelid, a.attnum)
     FROM pg_catalog.pg_attribute AS a WHERE a.attrelid IN (${tables}) AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT string_agg(concat_ws(' ', x.indexrelid, x.indisvalid), ',' ORDER BY x.indexrelid)
     FROM pg_catalog.pg_index AS x WHERE x.indrelid IN (${tables})),
    (SELECT string_agg(concat_ws(' ', k.oid, k.convalidated), ',' ORDER BY k.oid)
     FROM pg_catalog.pg_constraint AS k WHERE k.conrelid IN (${tables}) OR k.confrelid IN (${tables})),
    (SELECT string_agg(p.relid::oid::text, ',' ORDER BY p.relid)
     FROM pg_catalog.pg_partition_tree(to_regclass(${escapeLiteral(message)})) AS p),
    (SELECT string_agg(t.oid::text, ',' ORDER BY t.oid)
     FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid IN (${tables}) AND NOT t.tgisinternal),
    (SELECT string_agg(c.relname, ',' ORDER BY c.relname)
     FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = ${escapeLiteral(schema)} AND c.relname IN (${TABLES_OF_HISTORY})))`
}

const SELECT_HISTORY = (names: OwnNames): string =>
  `SELECT coalesce(string_agg("id" || ' ' || "hash", ',' ORDER BY "id"), '') FROM ${names.migrations}`

/** Reads what the script will check. @param hasHistory whether the table of the history is there */
export const readScriptHome = async (client: OwnClient, hasHistory: boolean): Promise<ScriptHome> => {
  const home = onlyRow(
    await client.query<Omit<ScriptHome, 'databaseOid' | 'systemIdentifier'>>(`
      SELECT current_database() AS "database", current_user::text AS "role",
        current_setting('server_version_num')::integer / 10000 AS "majorVersion",
        md5(${shapeOf(client.own)} || '|' || ${hasHistory ? `(${SELECT_HISTORY(client.own)})` : `''`}) AS "state"`),
  )
  const identity = await readDatabaseIdentity(client, client.own.schema)
  return { ...home, databaseOid: identity.database, systemIdentifier: identity.system }
}

const CHECKED = 'chatkeep.checked'
const IN_TRANSACTION = 'chatkeep.in_transaction'

export interface SelfCheck {
  /** The command that made the script, up to its form, such as `migrate --sql`. */
  readonly madeBy: string
  /** A command line for the database of the script, as the run names it. */
  readonly commandFor: (command: string) => string
  readonly form: ScriptForm
  readonly names: OwnNames
  readonly planHash: string
  readonly home: ScriptHome
}

/**
 * The statements with which a script checks that it is where it belongs. A statement by itself cannot end a script in a client
 * that goes on after errors: what follows is refused because the session is read-only, until `openSession` finds the mark.
 */
export const selfCheck = (check: SelfCheck): readonly string[] =>
  check.form === 'transaction'
    ? [checkBlock(check)]
    : // Still set in the next statement only if both are in one transaction.
      [`SELECT set_config('${IN_TRANSACTION}', 'yes', true) AS "checking"`, checkBlock(check)]

/** Precedes each step outside one transaction: without the mark of the check, the step cannot write. */
export const openSession = ({ form, planHash }: Pick<SelfCheck, 'form' | 'planHash'>): readonly string[] =>
  form === 'transaction'
    ? []
    : [
        `SELECT set_config('default_transaction_read_only', CASE WHEN current_setting('${CHECKED}', true) = '${planHash}' THEN 'off' ELSE 'on' END, false) AS "read_only"`,
      ]

/** The settings that all that follows needs. */
export const openSettings = ({ form, names, home }: Pick<SelfCheck, 'form' | 'names' | 'home'>): readonly string[] => {
  const scope = form === 'transaction' ? 'LOCAL' : 'SESSION'
  return [
    ...pinInScript(scope, home.majorVersion),
    setApplicationPath(names.application, form === 'transaction' ? 'transaction' : 'session'),
    ...(form === 'transaction' ? [`SET ${scope} ${LOCK_TIMEOUT}`, COMMIT_LOCALLY] : []),
  ]
}

/** The last statements: the session has the settings again with which it began. */
export const closeSession = ({ form, home }: Pick<SelfCheck, 'form' | 'home'>): readonly string[] =>
  form === 'transaction'
    ? []
    : [
        `SELECT set_config('${CHECKED}', '', false) AS "done"`,
        'RESET default_transaction_read_only',
        ...unpinInScript(home.majorVersion),
      ]

const checkBlock = ({ madeBy, commandFor, form, names, planHash, home }: SelfCheck): string => {
  const { database, databaseOid, systemIdentifier, majorVersion, role, state } = home
  const again = `if it is to run here, generate it anew: ${commandFor(`${madeBy} ${form}`)}`
  return `DO ${dollarQuoted(`
DECLARE
  state text := '';
  wrong text;
BEGIN
  IF ${MAY_READ_SYSTEM} THEN
    IF (${SELECT_SYSTEM}) <> ${escapeLiteral(systemIdentifier ?? '')} AND ${systemIdentifier !== null} THEN
      wrong := 'this is another server';
    END IF;
  END IF;
  wrong := CASE
    ${form === 'transaction' ? '' : `WHEN current_setting('${IN_TRANSACTION}', true) = 'yes' THEN ${escapeLiteral(`it must not run in a transaction, nor be sent as one query; use ${commandFor(`${madeBy} transaction`)}`)}`}
    WHEN current_database() <> ${escapeLiteral(database)} THEN format('this is database %s', current_database())
    WHEN wrong IS NOT NULL THEN wrong
    WHEN ${DATABASE_OID} <> ${databaseOid} THEN 'this is another database of that name'
    WHEN pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' THEN 'the server is read-only'
    WHEN current_setting('server_version_num')::integer / 10000 <> ${majorVersion} THEN 'the server has another major version'
    WHEN current_user <> ${escapeLiteral(role)} THEN format('it must run as %s, not as %s', ${escapeLiteral(role)}, current_user)
    WHEN NOT ${noOtherMigration(form)} THEN 'another migration is running'
  END;
  IF wrong IS NULL THEN
    IF to_regclass(${escapeLiteral(names.migrations)}) IS NOT NULL THEN
      EXECUTE ${escapeLiteral(SELECT_HISTORY(names))} INTO state;
    END IF;
    IF md5(${shapeOf(names)} || '|' || state) <> ${escapeLiteral(state)} THEN
      wrong := 'the database has changed since the script was made, or the script was run already';
    END IF;
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'chatkeep: nothing was changed: %', wrong
      USING HINT = ${escapeLiteral(`The script is for database ${database} in the state of plan ${planHash}; ${again}`)};
  END IF;
  PERFORM set_config('${CHECKED}', '${planHash}', ${form === 'transaction'});
END
`)}`
}

// An editor with a connection pool could keep a session lock, so a script of single statements only looks for one.
const noOtherMigration = (form: ScriptForm): string =>
  form === 'transaction'
    ? `pg_try_advisory_xact_lock(${LOCK_KEY})`
    : `(NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND (l.classid::bigint << 32 | l.objid::bigint) = ${LOCK_KEY}
      AND l.database = ${DATABASE_OID}))`
