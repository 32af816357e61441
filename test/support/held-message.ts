import type { TestDatabase } from './database.js'
import { until } from './until.js'

/** A row that the database does not insert until it is let go. */
export interface HeldRow {
  /** Waits until a session inserts the row. */
  readonly reached: () => Promise<void>
  /** Lets it be inserted. */
  readonly letGo: () => Promise<void>
}

/** Any number that no other test of the database locks. */
const LOCK = 4_711

/** Has the database hold the message of one text, so that a run is in the middle for as long as a test needs it there. */
export const holdMessage = (database: TestDatabase, text: string): Promise<HeldRow> =>
  holdRow(database, 'ChatMessage', `NEW."text" = '${text}'`)

/** Has the database hold the client of one name, so that a rollback is between archiving and linking. */
export const holdClient = (database: TestDatabase, username: string): Promise<HeldRow> =>
  holdRow(database, 'Client', `NEW."username" = '${username}'`)

// The time-outs of the session that inserts the row do not end the hold.
const holdRow = async (database: TestDatabase, table: string, condition: string): Promise<HeldRow> => {
  await database.load(`
    CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(${LOCK});
      RETURN NEW;
    END $$;
    CREATE TRIGGER hold BEFORE INSERT ON "${table}" FOR EACH ROW
      WHEN (${condition}) EXECUTE FUNCTION public.hold();`)
  const holder = await database.client()
  await holder.query('SELECT pg_advisory_lock($1)', [LOCK])
  return {
    reached: async () => {
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
      await until(async () => (await database.query(waiting)).length > 0, { what: `a row of "${table}" is held` })
    },
    letGo: async () => {
      await holder.query('SELECT pg_advisory_unlock($1)', [LOCK])
    },
  }
}

/** Waits until no session of this application is left on the database: what was under way is then committed or undone. */
export const untilNoSession = async (database: TestDatabase, application: string): Promise<void> => {
  const sessions = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1'
  await until(async () => (await database.query(sessions, [application])).length === 0, {
    what: `no session of ${application} is left`,
  })
}
