import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/index.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { query } from '../../support/embedded-servers.js'
import { startReplication, type Replication } from '../../support/replication.js'
import { until } from '../../support/until.js'

const DATABASES = ['migrated', 'interrupted', 'rolled_back', 'lagging'] as const
type Database = (typeof DATABASES)[number]

// Holds the statement that takes the table, so that the standby can be stopped at exactly that moment.
const HOLD = `
  CREATE FUNCTION public.hold() RETURNS event_trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
  BEGIN
    IF current_query() ~ '(ADD|DROP) COLUMN' THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
  END $$;
  CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.hold();`

// Each guest is linked in a transaction of its own; the first one is held.
const GUESTS = `
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text")
  VALUES ('ann', 'CLIENT', 'TEXT', 'hello'), ('bob', 'CLIENT', 'TEXT', 'hello');
  CREATE FUNCTION public.hold_client() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock_shared(4711);
    RETURN NEW;
  END $$;
  CREATE TRIGGER hold BEFORE INSERT ON "Client" FOR EACH ROW EXECUTE FUNCTION public.hold_client();`

let servers: Replication
const urlOf = (database: Database): string => servers.primary.url(database)

beforeAll(async () => {
  const fixture = await readFile(new URL('../../support/fixtures/crm-before.sql', import.meta.url), 'utf8')
  servers = await startReplication({
    prepare: async (url) => {
      for (const database of DATABASES) {
        await query(url('postgres'), `CREATE DATABASE ${database}`)
        await query(url(database), fixture)
      }
      for (const database of ['rolled_back', 'lagging'])
        await runChatkeep(['migrate', '--yes', '--database-url', url(database)])
      await query(url('lagging'), GUESTS)
      for (const database of DATABASES) await query(url(database), HOLD)
    },
  })
  await servers.waitForStandby()
})
afterAll(() => servers.stop())

interface Waiting {
  readonly run: Promise<Run>
  readonly stderr: () => string
}

/** Runs a command, and does something to the standby while the command is held at what the triggers hold. */
const atHold = async (
  database: Database,
  argv: readonly string[],
  work: () => Promise<unknown>,
  signal?: AbortSignal,
): Promise<Waiting> => {
  const holder = new pg.Client({ connectionString: urlOf(database) })
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(4711)')
  let stderr = ''
  const run = runChatkeep([...argv, '--database-url', urlOf(database)], {
    ...(signal === undefined ? {} : { signal }),
    onStderr: (text) => (stderr += text),
  })
  await until(async () => (await query(urlOf(database), `SELECT FROM pg_locks WHERE NOT granted`)).length > 0, {
    what: 'the run is held',
  })
  await work()
  await holder.end()
  return { run, stderr: () => stderr }
}

const waitForStoppedStandby = async (
  database: Database,
  argv: readonly string[],
  signal?: AbortSignal,
): Promise<Waiting> => {
  const waiting = await atHold(database, argv, () => servers.standby.stop('fast'), signal)
  await until(() => waiting.stderr().includes('for the synchronous standby standby, which is not attached'), {
    what: 'the standby is waited for',
  })
  return waiting
}

/** Reads the table as an application would that cannot wait. */
const countMessages = (database: Database) =>
  query(`${urlOf(database)}&options=-c%20statement_timeout%3D5s`, 'SELECT count(*) FROM "ChatMessage"')

const ourSessions = (database: Database) =>
  query(urlOf(database), `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)

describe('while the synchronous standby is stopped', () => {
  test.for([
    ['migrate', 'migrated', ['migrate', '--yes'], 'applied  2_'],
    ['rollback', 'rolled_back', ['rollback', '--confirm', 'rolled_back'], 'undone   2_'],
  ] as const)('%s waits without the lock of its ALTER TABLE', async ([, database, argv, step]) => {
    const waiting = await waitForStoppedStandby(database, argv)
    expect(await countMessages(database)).toHaveLength(1)
    expect(waiting.stderr()).not.toContain(step)
    await servers.standby.start()
    const { exitCode, stderr } = await waiting.run
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toContain(step)
  })

  test('Ctrl-C ends the wait, says what is committed, and leaves no session behind', async () => {
    const interruption = new AbortController()
    const { run } = await waitForStoppedStandby('interrupted', ['migrate', '--yes'], interruption.signal)
    interruption.abort(new OperatorError('interrupted', 'interrupted by SIGINT', { exitCode: 130 }))
    const { exitCode, stderr } = await run
    expect(exitCode).toBe(130)
    expect(stderr).toContain('state: what was done so far is committed on this server')
    expect(await ourSessions('interrupted')).toEqual([])
    await servers.standby.start()
    expect(await runChatkeep(['migrate', '--yes', '--database-url', urlOf('interrupted')])).toMatchObject({
      exitCode: 0,
    })
  })

  test('the wait ends with exit code 4 after --max-wait', async () => {
    await servers.standby.stop('fast')
    const argv = ['migrate', '--yes', '--max-wait', '1s', '--database-url', urlOf('migrated')]
    const { exitCode, stderr } = await runChatkeep(argv)
    await servers.standby.start()
    expect(exitCode, stderr).toBe(4)
    expect(stderr).toContain('waited 1 s for the synchronous standby standby, which is not attached')
    expect(await ourSessions('migrated')).toEqual([])
  })
})

test('batches pause while a standby lags, and a lock is not taken: exit code 4 after --max-wait', async () => {
  const lag = async (): Promise<void> => {
    await servers.standby.query('SELECT pg_wal_replay_pause()')
    const write = `INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ('', gen_random_uuid(), '', now())`
    const late = `SELECT FROM pg_stat_replication WHERE replay_lag > interval '1 second'`
    await until(async () => (await query(urlOf('lagging'), write), (await servers.primary.query(late)).length > 0), {
      what: 'the standby lags',
    })
  }
  const limits = ['--max-replica-lag', '1s']
  const rollback = await atHold('lagging', ['rollback', '--confirm', 'lagging', ...limits], lag)
  await until(() => /linking guests[^]*less than 1 s behind: standby is \d+ s behind/.test(rollback.stderr()), {
    what: 'the next batch waits',
  })
  expect(await query(urlOf('lagging'), `SELECT FROM "Client" WHERE "username" IN ('ann', 'bob')`)).toHaveLength(1)
  await servers.standby.query('SELECT pg_wal_replay_resume()')
  expect(await rollback.run).toMatchObject({ exitCode: 0 })

  await lag()
  const argv = ['migrate', '--yes', ...limits, '--max-wait', '1s', '--database-url', urlOf('lagging')]
  const [migrate, plan] = [await runChatkeep(argv), await runChatkeep([...argv, '--dry-run'])]
  await servers.standby.query('SELECT pg_wal_replay_resume()')
  expect(migrate.exitCode, migrate.stderr).toBe(4)
  const columns = `SELECT FROM pg_attribute WHERE attrelid = '"ChatMessage"'::regclass AND attname = 'guestUsername'`
  expect(await query(urlOf('lagging'), columns)).toEqual([])
  expect(migrate.stderr).toMatch(/waited \d s for standbys to be less than 1 s behind: standby is \d+ s behind/)
  expect(plan.stdout).toMatch(/standby standby is \d+ s behind: the run waits until that is less than 1 s/)
})
