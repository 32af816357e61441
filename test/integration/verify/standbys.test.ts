import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { IS_STANDBY, REPLAY_LAG_S } from '../../../src/database/replication/receivers-sql.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { parseReport, type FoundFinding } from '../../support/findings.js'
import { startReplication, type ReplicaNode, type Replication, withChatTables } from '../../support/replication.js'
import { writeInput } from '../../support/transcript.js'
import { until } from '../../support/until.js'

const CHECKS = ['standbys', 'replication-slots']

interface Verified {
  readonly exitCode: number
  /** What the two checks found. */
  readonly found: readonly string[]
  readonly survival: string
  readonly standby: unknown
}

const verify = async (node: ReplicaNode, role?: string): Promise<Verified> => {
  const url = new URL(node.url())
  if (role !== undefined) url.username = role
  const run = await runChatkeep(['verify', '--json', '--database-url', url.href])
  // Keys that only this test looks at.
  const report = parseReport(run) as unknown as Pick<Verified, 'standby'> & {
    readonly survival: { readonly level: string }
    readonly findings: readonly (FoundFinding & { readonly check: string })[]
  }
  return {
    exitCode: run.exitCode,
    found: report.findings
      .filter(({ check }) => CHECKS.includes(check))
      .map(({ code, severity, actual }) => `${code} ${severity} ${actual}`),
    survival: report.survival.level,
    standby: report.standby,
  }
}

let pair: Replication

const configure = async (setting: string): Promise<void> => {
  await pair.primary.query(`ALTER SYSTEM SET ${setting}`)
  await pair.primary.query('SELECT pg_reload_conf()')
}

/** Receives WAL as pg_receivewal does, until it is ended. */
const receiveWal = async (): Promise<pg.Client> => {
  const client = new pg.Client(`${pair.primary.url()}&replication=true&application_name=pg_receivewal`)
  client.on('error', () => undefined)
  await client.connect()
  const [start] = await pair.primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn')
  // It ends with the connection.
  client.query(`START_REPLICATION PHYSICAL ${start?.lsn ?? ''}`).catch(() => undefined)
  const isThere = `SELECT FROM pg_stat_replication WHERE application_name = 'pg_receivewal'`
  await until(async () => (await pair.primary.query(isThere)).length === 1, { what: 'WAL is received' })
  return client
}

beforeAll(async () => {
  pair = await startReplication({
    // A query on the standby is ended as soon as it holds up recovery.
    settings: { max_standby_streaming_delay: '0' },
    prepare: withChatTables,
  })
})

afterAll(() => pair.stop())

test('every report on a standby says so, and how far it is behind', async () => {
  const { primary, standby } = pair
  // How far it is behind is known from the first commit that it replays.
  await primary.query(`COMMENT ON TABLE "ChatMessage" IS 'replayed'`)
  const replayed = 'SELECT FROM pg_last_xact_replay_timestamp() AS at WHERE at IS NOT NULL'
  await until(async () => (await standby.query(replayed)).length === 1, { what: 'a commit is replayed' })
  const { found, standby: state } = await verify(standby)
  expect([found, state]).toEqual([[], { isStandby: true, behindS: 0, isDetached: false }])
  for (const command of ['verify', 'status', 'metrics', 'doctor']) {
    const { stdout } = await runChatkeep([command, '--database-url', standby.url()])
    expect(stdout, command).toContain('standby, 0 s behind')
  }
  const counted = await runChatkeep(['reconcile', '--dry-run', '--database-url', standby.url()])
  expect(counted.stdout + counted.stderr).toMatch(/^counted on a standby, 0 s behind\nok: 0 messages would be linked/m)
  const { stdout, stderr } = await runChatkeep(['migrate', '--dry-run', '--database-url', standby.url()])
  expect(stdout + stderr).toContain('it is a standby, 0 s behind')
})

test('what receives WAL and replays none is no standby, and has no lag', async () => {
  const rows = await pair.primary.query(`
    SELECT r.application_name AS "name", ${IS_STANDBY} AS "isStandby", ${REPLAY_LAG_S} AS "lagS"
    FROM (VALUES
      (0, 'a standby', 'streaming', '0/2'::pg_lsn, '0/1'::pg_lsn, interval '5 s'),
      (0, 'a new standby', 'startup', NULL, NULL, NULL),
      (0, 'a hidden standby', NULL, NULL, NULL, NULL),
      (0, 'barman_receive_wal', 'streaming', '0/2', NULL, interval '1 h'),
      (0, 'pg_receivewal', 'streaming', NULL, NULL, NULL),
      (0, 'pg_basebackup', NULL, NULL, NULL, NULL),
      (0, 'a backup', 'backup', NULL, NULL, NULL)
    ) AS r (pid, application_name, state, write_lsn, replay_lsn, replay_lag)`)
  const of = (name: string, isStandby: boolean, lagS: number | null = null) => ({ name, isStandby, lagS })
  expect(rows).toEqual([
    of('a standby', true, 5),
    of('a new standby', true),
    of('a hidden standby', true),
    of('barman_receive_wal', false),
    of('pg_receivewal', false),
    of('pg_basebackup', false),
    of('a backup', false),
  ])
})

test('a query that the standby ends because of recovery ends with 3, and says what to do', async () => {
  const { primary, standby } = pair
  const guide = await writeInput(
    '```sql\nSELECT count(m."id") FROM generate_series(1, 1000000000) LEFT JOIN "ChatMessage" AS m ON false;\n```\nExpected output:\n```\n count\n-------\n 0\n```\n',
    'guide.md',
  )
  const run = runChatkeep(['verify', guide, '--json', '--database-url', standby.url()])
  const isRunning = `SELECT FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid)
    WHERE l.relation = '"ChatMessage"'::regclass AND clock_timestamp() - a.query_start > interval '0.2 s'`
  await until(async () => (await standby.query(isRunning)).length > 0, { what: 'the query runs' })
  await primary.query('BEGIN; LOCK TABLE "ChatMessage"; COMMIT')
  const { exitCode, stdout } = await run
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([
    3,
    {
      error: {
        code: 'recovery_conflict',
        sqlstate: '40001',
        hint: expect.stringContaining('name the primary server') as string,
      },
    },
  ])
})

test('verify says what an acknowledged message survives, and why every commit waits', async () => {
  const { primary, standby } = pair
  // Only an operator of the whole server may see it; the role may read everything else.
  await primary.query(`CREATE ROLE reader LOGIN PASSWORD '${new URL(primary.url()).password}' IN ROLE pg_read_all_data`)
  expect(await verify(primary)).toMatchObject({
    found: [expect.stringMatching(/^standbys_not_awaited note empty: 1 standby connected; a failover now would lose /)],
    survival: 'process-crash',
  })
  const receiver = await receiveWal()
  expect(await verify(primary, 'reader')).toMatchObject({
    found: [
      'standbys_not_awaited note empty: 1 standby connected; a failover now would lose what the standbys lack, which this role may not see',
    ],
  })
  await receiver.end()
  await pair.waitForStandby()
  expect(await verify(primary)).toMatchObject({ exitCode: 0, found: [], survival: 'server-loss' })
  expect(await verify(primary, 'reader')).toMatchObject({
    exitCode: 3,
    found: ['standbys_hidden warning unknown: the role reader may not see it'],
    survival: 'unknown',
  })
  await configure(`synchronous_standby_names = 'standby, spare'`)
  await until(async () => expect((await verify(primary)).found).toHaveLength(1), { what: 'the names are in force' })
  expect((await verify(primary)).found).toEqual(['synchronous_standby_missing warning none is connected as "spare"'])
  await primary.query(`SELECT pg_create_physical_replication_slot('kept', true)`)
  await standby.stop('fast')
  const lost = await verify(primary)
  expect(lost).toMatchObject({ exitCode: 1, survival: 'nothing' })
  // A slot that is unused for seconds is no finding: its user may be restarting.
  expect(lost.found).toEqual(['no_synchronous_standby error none is connected: every commit waits'])
  // The store turns it on for its own commits.
  await configure('synchronous_commit = off')
  const isOff = `SELECT FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'`
  await until(async () => (await primary.query(isOff)).length === 1, { what: 'the setting is in force' })
  expect(await verify(primary)).toEqual(lost)
  await configure('synchronous_commit = on')
  const report = await runChatkeep(['verify', '--database-url', primary.url()])
  expect(report.stdout).toContain('\nFAIL: postgres is migrated, but every commit waits for a standby: 1 error')
  const { stdout } = await runChatkeep(['doctor', '--database-url', primary.url()])
  expect(stdout).toContain('no_synchronous_standby: setting synchronous_standby_names')
})
