import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/index.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { query } from '../../support/embedded-servers.js'
import { startReplication, type Replication } from '../../support/replication.js'
import { until } from '../../support/until.js'

const DATABASES = ['migrated', 'interrupted', 'rolled_back'] as const
type Database = (typeof DATABASES)[number]

// Holds the statement that takes the table, so that the standby can be stopped at exactly that moment.
const HOLD = `
  CREATE FUNCTION public.hold() RETURNS event_trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
  BEGIN
    IF current_query() ~ '(ADD|DROP) COLUMN' THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF;
  END $$;
  CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.hold();`

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
      await runChatkeep(['migrate', '--yes', '--database-url', url('rolled_back')])
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

/** Runs a command, and stops the standby while the command takes the table: its commit is then waited for. */
const waitForStoppedStandby = async (database: Database, argv: readonly string[], signal?: AbortSignal) => {
  const holder = new pg.Client({ connectionString: urlOf(database) })
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(4711)')
  let stderr = ''
  const run = runChatkeep([...argv, '--database-url', urlOf(database)], {
    ...(signal === undefined ? {} : { signal }),
    onStderr: (text) => (stderr += text),
  })
  await until(async () => (await query(urlOf(database), `SELECT FROM pg_locks WHERE NOT granted`)).length > 0, {
    what: 'the table is about to be taken',
  })
  await servers.standby.stop('fast')
  await holder.end()
  await until(() => stderr.includes('for the synchronous standby standby, which is not attached'), {
    what: 'the standby is waited for',
  })
  return { run, stderr: () => stderr } satisfies Waiting
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
