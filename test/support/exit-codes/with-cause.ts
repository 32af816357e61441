import { migrated } from '../chat.js'
import { administer, type TestDatabase } from '../database.js'
import { withLimitedRole } from '../limited-role.js'
import type { Cause } from './causes.js'
import type { Access } from './commands.js'

/** One message to link, and one privilege to revoke: every command has something to do. */
const WORK = `
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('a guest', 'CLIENT', 'TEXT');
  GRANT DELETE ON chatkeep.guest_clients TO postgres, :role`

const OWN_EVERYTHING = `
  DO $$
  DECLARE
    one record;
  BEGIN
    FOR one IN SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'chatkeep') LOOP
      EXECUTE format('ALTER SCHEMA %I OWNER TO :role', one.nspname);
    END LOOP;
    FOR one IN SELECT oid::regclass::text AS name FROM pg_class
      WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'chatkeep') LOOP
      EXECUTE format('ALTER TABLE %s OWNER TO :role', one.name);
    END LOOP;
  END $$`

/** Brings the cause about for a role that owns the tables, for as long as the work lasts. */
export const withCause = async (
  cause: Cause,
  database: TestDatabase,
  work: (access: Access) => Promise<void>,
): Promise<void> => {
  if (cause.isEmpty !== true) await migrated(database, 'crm-before')
  await withLimitedRole(database, async ({ name, url }) => {
    const fill = (sql: string): string => sql.replaceAll(':role', name).replaceAll(':database', database.name)
    await database.load(fill(`${cause.isEmpty === true ? '' : WORK}; ${OWN_EVERYTHING}`))
    const holder = await database.client()
    try {
      await database.load(fill(cause.sql ?? ''))
      await administer((client) => client.query(fill(cause.serverSql ?? '')))
      if (cause.open !== undefined) await holder.query(`BEGIN; ${cause.open}`)
      const access = (await cause.access?.({ url })) ?? { url }
      await whileRepeating(database, onWaiting(cause, name), () => work(access))
    } finally {
      await holder.end()
      await administer((client) =>
        client.query(
          `ALTER DATABASE ${database.name} ALLOW_CONNECTIONS true; ALTER DATABASE ${database.name} RESET ALL`,
        ),
      )
      await database.load(
        `SET default_transaction_read_only = off; DROP EVENT TRIGGER IF EXISTS slow; REASSIGN OWNED BY ${name} TO postgres`,
      )
    }
  })
}

const onWaiting = ({ onWaiting: act }: Cause, role: string): string | undefined =>
  act &&
  `SELECT ${act}(pid) FROM pg_stat_activity
   WHERE datname = current_database() AND usename = '${role.replaceAll('"', '')}' AND wait_event_type = 'Lock'`

const whileRepeating = async (
  database: TestDatabase,
  sql: string | undefined,
  work: () => Promise<void>,
): Promise<void> => {
  if (sql === undefined) return work()
  const client = await database.client()
  let isDone = false
  const repeat = async (): Promise<void> => {
    while (!isDone) await client.query(`${sql}; SELECT pg_sleep(0.02)`)
  }
  const repeating = repeat()
  try {
    await work()
  } finally {
    isDone = true
    await repeating
  }
}
