import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Access, Command } from './commands.js'

/** Why a command ends otherwise than it should. SQL has `:role`, which owns the tables, and `:database`. */
export interface Cause {
  /** The row of the table in the docs. */
  readonly title: string
  /** Nothing is in the database, not even tables. */
  readonly isEmpty?: true
  /** SQL in the database, before. */
  readonly sql?: string
  /** SQL on the server, outside the database. */
  readonly serverSql?: string
  /** A statement whose transaction stays open. */
  readonly open?: string
  /** What is run again and again, for each session of the role that waits for a lock. */
  readonly onWaiting?: 'pg_cancel_backend' | 'pg_terminate_backend'
  readonly access?: (access: Access) => Access | Promise<Access>
  readonly flags?: (command: Command) => readonly string[]
  /** What each command that it stops says. */
  readonly says?: RegExp
  /** Commands that it cannot meet. */
  readonly without?: readonly Command[]
}

const elsewhere =
  (change: (url: URL) => void) =>
  (access: Access): Access => {
    const url = new URL(access.url)
    change(url)
    return { ...access, url: url.href }
  }

const withOptions =
  (options: string) =>
  (access: Access): Access => ({ ...access, env: { PGOPTIONS: options } })

const nobodyListens = async (access: Access): Promise<Access> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return elsewhere((url) => (url.port = String(port)))(access)
}

const CHANGES = ['migrate', 'migrate --dry-run', 'rollback', 'rollback --dry-run'] as const
const DRY_RUNS = ['migrate --dry-run', 'rollback --dry-run'] as const
const ERASURES = ['retain', 'erase', 'export'] as const
const OTHERS = ['verify', 'doctor', 'metrics', 'reconcile', 'replay', 'serve', ...ERASURES] as const

const NOT_OWNED = 'REASSIGN OWNED BY :role TO postgres; GRANT USAGE ON SCHEMA public TO :role'
const ALL_LOCKED = 'LOCK TABLE "ChatMessage", "Client", chatkeep.migrations IN ACCESS EXCLUSIVE MODE'

export const CAUSES: readonly Cause[] = [
  { title: 'nothing' },
  { title: 'no server', access: nobodyListens },
  { title: 'wrong password', access: elsewhere((url) => (url.password = 'wrong')) },
  { title: 'no such role', access: elsewhere((url) => (url.username = 'no_such_role')) },
  { title: 'no such database', access: elsewhere((url) => (url.pathname = '/no_such_database')) },
  { title: 'no CONNECT on the database', sql: 'REVOKE CONNECT ON DATABASE :database FROM PUBLIC' },
  { title: 'ALLOW_CONNECTIONS false', serverSql: 'ALTER DATABASE :database ALLOW_CONNECTIONS false' },
  { title: 'connection limit of the database', sql: 'ALTER DATABASE :database CONNECTION LIMIT 0' },
  { title: 'connection limit of the role', sql: 'ALTER ROLE :role CONNECTION LIMIT 0' },
  { title: 'unknown setting in PGOPTIONS', access: withOptions('-c no_such_setting=1') },
  { title: 'unusable value in PGOPTIONS', access: withOptions('-c work_mem=none') },
  { title: 'default_transaction_read_only', sql: 'ALTER DATABASE :database SET default_transaction_read_only = on' },
  {
    title: 'no USAGE on the schema',
    sql: 'REASSIGN OWNED BY :role TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC, :role',
  },
  { title: 'no SELECT on the tables', sql: NOT_OWNED },
  {
    title: 'not the owner of the tables',
    sql: `${NOT_OWNED}; GRANT USAGE ON SCHEMA chatkeep TO :role; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO :role;
      GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public, chatkeep TO :role`,
  },
  { title: 'no such schema', flags: () => ['--schema', 'nosuch'] },
  { title: 'no tables', isEmpty: true, without: CHANGES },
  { title: 'locked tables', open: ALL_LOCKED },
  {
    title: 'time-out of a query',
    sql: `ALTER ROLE :role SET statement_timeout = '200ms'`,
    open: ALL_LOCKED,
    says: /took longer than/,
    flags: (command) => (command === 'verify' || command === 'metrics' ? ['--statement-timeout', '200ms'] : []),
    // The others have no limit but that for locks.
    without: [...CHANGES, 'doctor', 'reconcile', 'replay', 'serve', ...ERASURES],
  },
  {
    title: 'time-out of a change',
    sql: `DROP INDEX "ChatMessage_unread_idx";
      CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); END';
      CREATE EVENT TRIGGER slow ON ddl_command_start EXECUTE FUNCTION public.slow()`,
    says: /raise --statement-timeout|took longer than/,
    flags: () => ['--statement-timeout', '1s'],
    without: [...OTHERS, ...DRY_RUNS],
  },
  {
    title: 'pg_cancel_backend',
    open: ALL_LOCKED,
    onWaiting: 'pg_cancel_backend',
    says: /somebody cancelled the statement/,
  },
  { title: 'pg_terminate_backend', open: ALL_LOCKED, onWaiting: 'pg_terminate_backend' },
]
