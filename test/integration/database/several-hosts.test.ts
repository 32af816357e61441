import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPool, withClient } from '../../../src/database/connection.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { createChatStore } from '../../../src/index.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { startThreeServers, type ThreeServers } from '../../support/three-servers.js'
import { createCertificates, hasOpenssl, type Certificates } from '../../support/tls-front.js'
import { until } from '../../support/until.js'

const canRun = await hasOpenssl()
const targetOf = (url: string) => toConnectionTarget(parseDatabaseUrl(url, 'the test'), tmpdir())

describe.skipIf(!canRun)('several servers (certificates are made with openssl)', () => {
  let certificates: Certificates
  let servers: ThreeServers
  beforeAll(async () => {
    certificates = await createCertificates()
    servers = await startThreeServers(certificates)
  })
  afterAll(async () => {
    await servers.stop()
    await certificates.remove()
  })

  const all = (query = ''): string => {
    const { closed, standby, plain } = servers
    return `postgres://ana@localhost:${closed},localhost:${standby},localhost:${plain}/postgres?${query}`
  }

  test('a run names the one that it reached, and stays there', async () => {
    const { stdout, exitCode } = await runChatkeep(['verify', '--json', '-d', all()])
    expect(exitCode).toBe(1)
    expect(stdout).toContain(`"target": "postgres on localhost:${servers.standby} as ana"`)
    const primary = await runChatkeep(['verify', '--json', '-d', all('target_session_attrs=read-write')])
    expect(primary.stdout).toContain(`"target": "postgres on localhost:${servers.plain} as ana"`)
  })

  test('none of which can be used are named, each with its reason', async () => {
    const { closed, plain } = servers
    const text = `host=none.invalid,localhost,localhost port=5432,${closed},${plain} user=ana dbname=postgres target_session_attrs=standby`
    const { exitCode, stderr } = await runChatkeep(['metrics', '-d', text])
    expect(exitCode).toBe(3)
    expect(stderr).toContain('no host can be used')
    expect(stderr).toContain('none.invalid:5432: no such host name')
    expect(stderr).toMatch(new RegExp(`localhost:${closed} \\(127\\.0\\.0\\.1\\): nothing listens there`))
    expect(stderr).toMatch(new RegExp(`localhost:${plain} \\(127\\.0\\.0\\.1\\): it is not a standby`))
  })

  test('are searched for each connection of a pool', async () => {
    const pool = createPool(targetOf(all('target_session_attrs=primary')), {
      query_timeout: 10_000,
      pins: 'all',
      max: 3,
      application_name: 'chatkeep test',
    })
    const ports = await Promise.all(
      [1, 2, 3].map(async () => {
        const { rows } = await pool.query<{ port: string }>(`SELECT current_setting('port') AS "port", pg_sleep(0.1)`)
        return Number(rows[0]?.port)
      }),
    )
    await pool.end()
    expect(ports).toEqual([servers.plain, servers.plain, servers.plain])
  })

  test('are searched by the store of the library', async () => {
    const store = createChatStore({ databaseUrl: all('target_session_attrs=read-write') })
    // That server was reached, and has no tables.
    await expect(store.getRecentChats()).rejects.toMatchObject({ name: 'SchemaNotReady' })
    await store.close()
  })

  test('get a cancel request where the statement runs', async () => {
    const target = targetOf(all('target_session_attrs=primary'))
    const stop = new AbortController()
    const session = { applicationName: 'chatkeep cancelled', signal: stop.signal }
    const isRunning = () =>
      withClient(target, { applicationName: 'chatkeep test' }, async (client) => {
        const text = `SELECT FROM pg_stat_activity WHERE application_name = 'chatkeep cancelled' AND state = 'active'`
        return (await client.query(text)).rowCount === 1
      })
    const work = withClient(target, session, (client) => client.query('SELECT pg_sleep(600)'))
    const refused = expect(work).rejects.toThrow('enough')
    await until(isRunning, { what: 'the statement runs' })
    const startedAt = performance.now()
    stop.abort(new Error('enough'))
    await refused
    // Without the cancel request, the connection is given up after 3 s, and the statement runs on.
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    expect(await isRunning()).toBe(false)
  })

  test('take turns with load_balance_hosts=random', async () => {
    const { plain, tls } = servers
    const target = targetOf(`postgres://ana@localhost:${plain},localhost:${tls}/postgres?load_balance_hosts=random`)
    const ports = new Set<string>()
    for (let turn = 0; turn < 40 && ports.size < 2; turn += 1) {
      await withClient(target, { applicationName: 'chatkeep test' }, async (client) => {
        ports.add(
          (await client.query<{ port: string }>(`SELECT current_setting('port') AS "port"`)).rows[0]?.port ?? '',
        )
      })
    }
    expect(ports.size).toBe(2)
  })

  // psql knows these from version 16 or 17 on.
  test.for<readonly [what: string, settings: (names: ThreeServers) => string, reason: RegExp | undefined]>([
    ['only SCRAM', (n) => `port=${n.plain} user=scram password=secret require_auth=scram-sha-256`, undefined],
    [
      'only SCRAM',
      (n) => `port=${n.plain} user=clear password=secret require_auth=scram-sha-256`,
      /in clear text, which/,
    ],
    [
      'not clear text',
      (n) => `port=${n.plain} user=clear password=secret require_auth=!password,!md5`,
      /in clear text/,
    ],
    [
      'a password',
      (n) => `port=${n.plain} user=ana require_auth=password,scram-sha-256`,
      /asks for no password, which/,
    ],
    ['nothing', (n) => `port=${n.plain} user=ana require_auth=none`, undefined],
    ['TLS at once', (n) => `port=${n.tls} user=ana sslmode=require sslnegotiation=direct`, undefined],
    ['TLS at once', (n) => `port=${n.plain} user=ana sslmode=require sslnegotiation=direct`, /TLS failed/],
  ])('may be required to ask for: %s (%#)', async ([, settings, reason]) => {
    const { stderr } = await runChatkeep(['metrics', '-d', `host=localhost dbname=postgres ${settings(servers)}`])
    expect(stderr).toMatch(reason ?? /not ready for guest messages/)
    expect(stderr).not.toContain('secret')
  })

  test('see our name, and the one that was given, up to 63 bytes', async () => {
    const nameWith = (given: string) =>
      withClient(
        toConnectionTarget({
          host: 'localhost',
          port: String(servers.plain),
          user: 'ana',
          dbname: 'postgres',
          application_name: given,
        }),
        { applicationName: 'chatkeep migrate 0badcafe' },
        async (client) =>
          (await client.query<{ name: string }>(`SELECT current_setting('application_name') AS "name"`)).rows[0]?.name,
      )
    expect(await nameWith('nightly')).toBe('chatkeep migrate 0badcafe (nightly)')
    expect(await nameWith('x'.repeat(100))).toBe(`chatkeep migrate 0badcafe (${'x'.repeat(36)}`)
  })

  test('give the privileges of the role that the options set, which messages name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chatkeep-role-'))
    const env = {
      PGHOST: 'localhost',
      PGPORT: String(servers.plain),
      PGUSER: 'postgres',
      PGDATABASE: 'postgres',
      HOME: folder,
    }
    const { stdout } = await runChatkeep(['verify', '--json'], { env: { ...env, PGOPTIONS: '-c role=ana' } })
    expect(stdout).toContain(`"target": "postgres on localhost:${servers.plain} as ana (logged in as postgres)"`)
  })

  test('that want a password get none from a file that others may read, which is said', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'chatkeep-passfile-')), 'pgpass')
    writeFileSync(path, '*:*:*:*:secret', { mode: 0o644 })
    const text = `host=localhost port=${servers.plain} user=scram dbname=postgres passfile=${path}`
    const { exitCode, stderr } = await runChatkeep(['metrics', '-d', text])
    expect(exitCode).toBe(3)
    expect(stderr).toContain(`the password file ${path} is ignored: other users may read it; chmod 600 ${path}`)
    expect(stderr).toContain('it requires a password, and none was given')
  })
})
