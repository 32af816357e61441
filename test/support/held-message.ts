import type { TestDatabase } from './database.js'
import { until } from './until.js'

/** A message that the database does not insert until it is let go. */
export interface HeldMessage {
  /** Waits until a session inserts the message. */
  readonly reached: () => Promise<void>
  /** Lets it be inserted. */
  readonly letGo: () => Promise<void>
}

/** Any number that no other test of the database locks. */
const LOCK = 4_711

/** Has the database hold the message of one text, so that a run is in the middle for as long as a test needs it there. */
export const holdMessage = async (database: TestDatabase, text: string): Promise<HeldMessage> => {
  await database.load(`
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(${LOCK});
      RETURN NEW;
    END $$;
    CREATE TRIGGER hold BEFORE INSERT ON "ChatMessage" FOR EACH ROW
      WHEN (NEW."text" = '${text}') EXECUTE FUNCTION hold();`)
  const holder = await database.client()
  await holder.query('SELECT pg_advisory_lock($1)', [LOCK])
  return {
    reached: async () => {
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
      await until(async () => (await database.query(waiting)).length > 0, { what: `message "${text}" is inserted` })
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
