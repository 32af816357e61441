import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrated } from '../../support/chat.js'
import { runChatkeep, type RunOptions } from '../../support/chatkeep.js'
import {
  afterAll,
  beforeAll,
  createDatabase,
  describe,
  expect,
  test,
  type TestDatabase,
} from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { findPgBouncer, withPooler } from '../../support/pooler.js'
import { createCertificates, hasOpenssl, withTlsFront } from '../../support/tls-front.js'

interface Document {
  readonly ok: boolean
  readonly connections: readonly {
    readonly commands: readonly string[]
    readonly parameters: readonly { name: string; value: string; source: { kind: string; name: string } }[]
    readonly unused: readonly { name: string; value: string; source: { name: string } }[]
    readonly failedStage: string | null
    readonly encryption: { protocol: string; verified: string; certificate: { subject: string } } | null
    readonly proxy: { product: string | null; sharing: string } | null
    readonly settings: readonly { name: string; value: string; source: string }[]
    readonly abilities: readonly { command: string; canRun: boolean; code: string | null }[]
    readonly findings: readonly { severity: string; code: string; object: string; actual: string }[]
  }[]
}

type Examination = Document['connections'][number] & { readonly exitCode: number }

/** Runs doctor, and returns what it says of the first connection. */
const examine = async (options: RunOptions, ...argv: readonly string[]): Promise<Examination> => {
  const { exitCode, stdout } = await runChatkeep(['doctor', '--json', ...argv], options)
  const [connection] = (JSON.parse(stdout) as Document).connections
  if (connection === undefined) throw new Error(stdout)
  return { exitCode, ...connection }
}

const named = (database: TestDatabase, change: (url: URL) => void = () => undefined): RunOptions => {
  const url = new URL(database.url)
  change(url)
  return { env: { DATABASE_URL: url.href } }
}

/** A port on which somebody listens and says nothing. */
const withSilence = async (work: (port: number) => Promise<void>): Promise<void> => {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}

const canMakeCertificates = await hasOpenssl()

describe('doctor', () => {
  let home: string
  let database: TestDatabase
  let drop: () => Promise<void>

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'chatkeep-doctor-'))
    const created = await createDatabase()
    database = created.database
    drop = async () => {
      await created.close()
      await created.drop()
    }
    await migrated(database, 'crm-before')
  })
  afterAll(async () => {
    await drop()
    await rm(home, { recursive: true })
  })

  test('fits on a terminal of 80 x 24 where nothing is wrong, with the verdict last', async () => {
    const { exitCode, stdout } = await runChatkeep(['doctor', '--database-url', database.url], {
      columns: 80,
      env: { NO_COLOR: '1' },
    })
    expect(exitCode, stdout).toBe(0)
    // The server of the tests may run without fsync, which is a warning.
    const [healthy = ''] = stdout.split(/^warning /m)
    expect(healthy.trimEnd().split('\n').length).toBeLessThanOrEqual(21)
    expect(healthy).toMatch(/^can run +every command that needs a database$/m)
    expect(stdout).toMatch(/\nok: [^\n]*(\n  \S[^\n]*)*\n$/)
  })

  test('names the source of each parameter, and what another source overrides', async () => {
    const { hostname, port, username, password } = new URL(database.url)
    const file = join(home, 'services')
    const passwords = join(home, 'passwords')
    await writeFile(file, `[chat]\nhost=${hostname}\nport=1\n`)
    await writeFile(passwords, `*:*:*:*:${decodeURIComponent(password)}\n`)
    await chmod(passwords, 0o600)
    const env = { PGSERVICE: 'chat', PGSERVICEFILE: file, PGUSER: username, PGPASSFILE: passwords, HOME: home }
    const { exitCode, parameters, unused } = await examine({ env }, '-d', `dbname=${database.name} port=${port}`)
    expect(exitCode).toBe(0)
    const sources = Object.fromEntries(parameters.map(({ name, value, source }) => [name, [value, source.kind]]))
    expect(sources).toMatchObject({
      host: [hostname, 'service-file'],
      port: [port, 'flag'],
      dbname: [database.name, 'flag'],
      user: [username, 'environment'],
      password: ['***', 'password-file'],
      sslmode: ['prefer', 'default'],
    })
    expect(unused).toMatchObject([{ name: 'port', value: '1', source: { name: 'chat' } }])
  })

  test('says at which stage a connection failed', async () => {
    const stageOf = async (change: (url: URL) => void): Promise<unknown> => {
      const { exitCode, failedStage } = await examine(named(database, change))
      return [exitCode, failedStage]
    }
    expect(await stageOf((url) => (url.hostname = 'no-such-host.invalid'))).toEqual([3, 'name'])
    expect(await stageOf((url) => (url.port = '1'))).toEqual([3, 'tcp'])
    expect(await stageOf((url) => (url.search = '?sslmode=require'))).toEqual([3, 'tls'])
    expect(await stageOf((url) => (url.username = 'no_such_role'))).toEqual([3, 'authentication'])
    expect(await stageOf((url) => (url.pathname = '/no_such_database'))).toEqual([3, 'database'])
    expect(await stageOf((url) => (url.search = '?target_session_attrs=standby'))).toEqual([3, 'session'])
    await withSilence(async (port) => {
      for (const sslmode of ['disable', 'require'])
        expect(
          await stageOf((url) => {
            url.port = String(port)
            url.search = `?connect_timeout=1&sslmode=${sslmode}`
          }),
        ).toEqual([3, 'answer'])
    })
    const { stdout } = await runChatkeep(
      ['doctor'],
      named(database, (url) => (url.pathname = '/no_such_database')),
    )
    expect(stdout).toContain('connection   TCP ok, answer ok, authentication ok, database FAILED')
    expect(stdout).toMatch(/^FAIL: 1 error.* Next: list the databases: psql /m)
  })

  test('says which commands a role cannot run, why, and what helps; a command that was named must run', async () => {
    await withLimitedRole(database, async ({ name, url }) => {
      await database.query(`ALTER ROLE ${name} SET statement_timeout = '7s'`)
      const nothing = await examine({ env: { DATABASE_URL: url } })
      expect(nothing.exitCode).toBe(1)
      expect(nothing.abilities.filter(({ canRun }) => canRun)).toEqual([])
      expect(nothing.settings).toContainEqual({
        name: 'statement_timeout',
        value: '7.0 s',
        source: 'user',
        isPending: false,
      })
      await database.query(`GRANT USAGE ON SCHEMA chatkeep TO ${name}`)
      await database.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public, chatkeep TO ${name}`)
      const reader = await examine({ env: { DATABASE_URL: url } })
      expect(reader.exitCode).toBe(0)
      expect(reader.abilities.filter(({ canRun }) => canRun).map(({ command }) => command)).toEqual([
        'verify',
        'metrics',
        'export',
      ])
      const wanted = await runChatkeep(['doctor', 'serve'], { env: { DATABASE_URL: url } })
      expect(wanted.exitCode).toBe(1)
      expect(wanted.stdout).toContain('error privilege_missing: serve')
      expect(wanted.stdout).toContain(`GRANT INSERT, UPDATE ON "public"."ChatMessage" TO ${name};`)
      expect(wanted.stdout).not.toContain('migrate')
    })
  })

  test('looks at both databases where DIRECT_URL names another', async () => {
    const env = { DIRECT_URL: database.url, DATABASE_URL: named(database, (url) => (url.port = '1')).env?.DATABASE_URL }
    const { exitCode, stdout } = await runChatkeep(['doctor', '--json'], { env })
    const { connections } = JSON.parse(stdout) as Document
    expect(exitCode).toBe(3)
    expect(connections.map(({ commands, failedStage }) => [commands, failedStage])).toEqual([
      [['migrate', 'verify', 'rollback'], null],
      [['metrics', 'reconcile', 'replay', 'serve', 'retain', 'erase', 'export'], 'tcp'],
    ])
    expect((await examine({ env }, 'migrate')).exitCode).toBe(0)
  })

  test('never prints a password', async () => {
    const secret = `${randomBytes(9).toString('hex')} 'ü%@`
    const encoded = encodeURIComponent(secret)
    const quoted = secret.replace(/'/g, String.raw`\'`)
    const { hostname, port } = new URL(database.url)
    const services = join(home, 'secret-services')
    await writeFile(services, `[chat]\nhost=${hostname}\nport=${port}\ndbname=x\npassword=${secret}\n`)
    const ways: readonly (readonly [RunOptions, ...string[]])[] = [
      [{ env: { DATABASE_URL: `postgres://u:${encoded}@${hostname}:${port}/x` } }],
      [{ env: { PGHOST: hostname, PGPORT: port, PGUSER: 'u', PGPASSWORD: secret } }],
      [{ env: { PGSERVICE: 'chat', PGSERVICEFILE: services, PGPASSWORD: `${secret}2` } }],
      [
        { env: { PGPASSWORD: `${secret}2` } },
        '-d',
        `host=${hostname} port=${port} password='${quoted}' sslpassword='${quoted}'`,
      ],
      [{ env: { PGSSLMODE: 'disable' } }, '--database-url', `postgres://u:${encoded}@127.0.0.1:1/x`],
    ]
    for (const [options, ...argv] of ways)
      for (const more of [[], ['--json'], ['--verbose']]) {
        const { stdout, stderr } = await runChatkeep(['doctor', ...argv, ...more], options)
        const output = stdout + stderr
        expect(output).toMatch(/password\W+(value\W+)?\*\*\*/)
        for (const form of [secret, encoded, quoted, secret.slice(0, 18)]) expect(output).not.toContain(form)
      }
  })

  test.skipIf(!canMakeCertificates)('shows how TLS was checked, and that the certificate ends soon', async () => {
    const certificates = await createCertificates()
    try {
      const certificate = await certificates.issue('DNS:localhost', 'chat server')
      await withTlsFront(database.url, certificate, async ({ port }) => {
        const through = (sslmode: string): RunOptions =>
          named(database, (url) => {
            url.host = `localhost:${port}`
            url.search = `?sslmode=${sslmode}${sslmode === 'require' ? '' : `&sslrootcert=${certificates.root}`}`
          })
        const { exitCode, encryption, findings } = await examine(through('verify-full'))
        expect(exitCode).toBe(0)
        expect(encryption).toMatchObject({
          protocol: 'TLSv1.3',
          verified: 'authority and host name',
          certificate: { subject: 'chat server' },
        })
        const end = findings.find(({ code }) => code === 'certificate_ends_soon')
        expect(end?.actual).toMatch(/^ends in 1 day/)
        expect((await examine(through('verify-ca'))).encryption?.verified).toBe('authority')
        expect((await examine(through('require'))).encryption?.verified).toBe('nothing')
      })
    } finally {
      await certificates.remove()
    }
  })

  const pgbouncer = findPgBouncer()
  test.skipIf(pgbouncer === undefined)('names the pooler, and what it keeps from running', async () => {
    await withPooler({ path: pgbouncer?.path ?? '', database }, async (pooled) => {
      const { exitCode, proxy, abilities } = await examine({ env: { DATABASE_URL: pooled.url } })
      expect(exitCode).toBe(0)
      expect(proxy).toEqual({ kind: 'pooler', product: 'PgBouncer', sharing: 'shared' })
      expect(abilities.filter(({ canRun }) => !canRun)).toEqual([
        { command: 'migrate', canRun: false, code: 'connection_pooler' },
        { command: 'rollback', canRun: false, code: 'connection_pooler' },
      ])
    })
  })
})
