import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Environment, EnvironmentSources } from '../../../src/cli/environment.js'
import { parseServiceFile, resolveTarget } from '../../../src/cli/resolve-target.js'
import { CONNECTION_SETTINGS, type ConnectionSetting } from '../../../src/database/connection-settings.js'
import {
  describeTarget,
  parseDatabaseUrl,
  toConnectionTarget,
  toDatabaseUrl,
  type ConnectionTarget,
} from '../../../src/database/connection-target.js'
import { ownUserId } from '../../../src/private-file.js'

const fromUrl = (url: string) => toConnectionTarget(parseDatabaseUrl(url, '--database-url'))

describe('a database URL', () => {
  test('names every part', () => {
    expect(fromUrl('postgres://deploy:p%40ss%2F%3A@db1:6543/crm?sslmode=disable')).toMatchObject({
      host: 'db1',
      port: 6543,
      user: 'deploy',
      password: 'p@ss/:',
      database: 'crm',
      tls: 'off',
      connectTimeoutMs: 5_000,
    })
  })

  test('may leave out what libpq has a default for', () => {
    expect(fromUrl('postgresql:///crm?host=/run/pg')).toMatchObject({
      host: '/run/pg',
      port: 5432,
      user: userInfo().username,
      password: undefined,
      database: 'crm',
      tls: 'off',
    })
    expect(fromUrl('postgres://%2Frun%2Fpg/crm').host).toBe('/run/pg')
    expect(fromUrl('postgres://[::1]:5432/crm').host).toBe('::1')
    expect(fromUrl('postgres://deploy@db1').database).toBe('deploy')
  })

  test('may carry what ORMs put there', () => {
    const target = fromUrl(
      'postgres://u@h/d?schema=chat&pgbouncer=true&connection_limit=5&pool_timeout=3&connect_timeout=7&sslaccept=strict',
    )
    expect(target).toMatchObject({ schema: 'chat', connectTimeoutMs: 7_000, options: undefined })
  })

  test.for([
    ['crm', 'it does not start with postgres://'],
    ['mysql://u:geheim@h/d', 'its scheme is mysql, not postgres'],
    ['postgres://u:geheim@h:port/d', 'it cannot be parsed'],
    ['postgres://u:ge/heim@h:5432/d', 'it cannot be parsed'],
    ['postgres://u:100%@h/d', 'it contains a % that is not followed by two hexadecimal digits'],
  ] as const)('that is broken is refused without showing it: %s', ([url, reason]) => {
    expect(() => fromUrl(url)).toThrow(`--database-url is not a usable PostgreSQL URL: ${reason}`)
    try {
      fromUrl(url)
    } catch (error) {
      expect(String(error)).not.toMatch(/geheim|100%/)
    }
  })

  test.for([
    ['postgres://h/d?port=99999', 'port is "99999"'],
    ['postgres://h/d?connect_timeout=soon', 'connect_timeout is "soon"'],
    ['postgres://h/d?sslmode=maybe', 'sslmode is "maybe"'],
    ['postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere/ca.pem', '/nowhere/ca.pem'],
    ['postgres://h/d?sslmode=require&sslrootcert=system', 'sslrootcert=system needs verify-full'],
  ] as const)('with a setting that cannot be used names it: %s', ([url, reason]) => {
    expect(() => fromUrl(url)).toThrow(reason)
  })

  test.for([
    ['postgres://db1/d', 'negotiate'],
    ['postgres://localhost/d', 'off'],
    ['postgres://db1/d?sslmode=prefer', 'negotiate'],
    ['postgres://db1/d?sslmode=require', { rejectUnauthorized: false }],
    ['postgres://db1/d?sslmode=verify-full', {}],
    ['postgres://db1/d?sslrootcert=system', {}],
    ['postgres://db1/d?hostaddr=192.0.2.1&sslmode=verify-full', { servername: 'db1' }],
  ] as const)('means by sslmode what psql means: %s', ([url, tls]) => {
    expect(fromUrl(url).tls).toEqual(tls)
  })

  test('comes back from a target', () => {
    const target = fromUrl('postgres://d%20e:p%40%2F@127.0.0.1:6543/a%20b')
    expect(fromUrl(toDatabaseUrl(target))).toEqual(target)
  })
})

const real = (variables: Environment): EnvironmentSources => ({ real: variables, file: undefined, notes: [] })

const withFile = (variables: Environment, others: Environment, isNamed = false): EnvironmentSources => ({
  real: others,
  file: { name: '.env', isNamed, variables },
  notes: [],
})

describe('a database that a file names', () => {
  const secret = { PGPASSWORD: 'secret', PGSSLCERT: '/own.crt', PGSSLKEY: '/own.key', PGUSER: 'me' }
  const service = join(mkdtempSync(join(tmpdir(), 'chatkeep-service-')), 'pg_service.conf')
  writeFileSync(service, '[crm]\nhost=db7\npassword=of-the-service\n')
  const ofService = { PGSERVICE: 'crm', PGSERVICEFILE: service }

  test.for<[Environment, Environment, string | undefined]>([
    [{ DATABASE_URL: 'postgres://elsewhere/d' }, secret, undefined],
    [{ DATABASE_URL: 'postgres://u:own@elsewhere/d' }, secret, 'own'],
    [{ DATABASE_URL: 'postgres://elsewhere/d', PGPASSWORD: 'own' }, secret, 'own'],
    [{ PGHOST: 'elsewhere' }, secret, undefined],
    [{ PGHOSTADDR: '10.0.0.1' }, secret, undefined],
    [{ PGDATABASE: 'd' }, secret, 'secret'],
    [{ DATABASE_URL: 'postgres:///d' }, secret, 'secret'],
    [ofService, {}, 'of-the-service'],
    [{ ...ofService, PGHOSTADDR: '10.0.0.1' }, {}, undefined],
    [{ DATABASE_URL: 'postgres://elsewhere/d?service=crm', PGSERVICEFILE: service }, {}, undefined],
  ])('gets no password from elsewhere when the file names its host: %j', ([variables, others, password]) => {
    const target = resolveTarget({}, withFile(variables, others), 'direct')
    expect(target.password).toBe(password)
    expect(describeTarget(target)).toMatch(/ from \.env$/)
  })

  test('gives no password to a database that the command line or the environment names', () => {
    const file = { PGPASSWORD: 'of-the-file', PGSSLMODE: 'disable' }
    const named = { PGHOST: 'real', PGDATABASE: 'd' }
    expect(resolveTarget({ databaseUrl: 'postgres://h/d' }, withFile(file, {}), 'direct').password).toBeUndefined()
    expect(resolveTarget({}, withFile({ ...file, PGHOST: 'file' }, named), 'direct')).toMatchObject({
      host: 'real',
      password: undefined,
    })
  })

  test('wins over the environment only when --env-file named the file', () => {
    const [file, others] = [{ PGHOST: 'file' }, { PGHOST: 'real', PGPORT: '6000' }]
    expect(resolveTarget({}, withFile(file, others), 'direct')).toMatchObject({ host: 'real', port: 6000 })
    expect(resolveTarget({}, withFile(file, others, true), 'direct')).toMatchObject({ host: 'file', port: 5432 })
  })
})

describe('the default host', () => {
  const port = 61_234
  const path = `/tmp/.s.PGSQL.${port}`
  const hostOf = (): string => toConnectionTarget({ dbname: 'd', port: String(port) }).host

  test('is a socket in /tmp of our own, not a file there, nor what another user has put there', async () => {
    const server = createServer().listen(path)
    try {
      await once(server, 'listening')
      expect(hostOf()).toBe('/tmp')
      if (ownUserId() === 0) {
        chownSync(path, 12_345, 12_345)
        expect(hostOf()).toBe('localhost')
      }
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
    writeFileSync(path, '')
    expect(hostOf()).toBe('localhost')
    rmSync(path)
  })
})

describe('the database that is meant', () => {
  const all = {
    DIRECT_URL: 'postgres://direct/one',
    DATABASE_URL: 'postgres://pooled/two',
    PGHOST: 'libpq',
    PGDATABASE: 'three',
  }

  test.for([
    [{ databaseUrl: 'postgres://flag/zero' }, all, 'direct', 'flag'],
    [{}, all, 'direct', 'direct'],
    [{}, all, 'pooled', 'pooled'],
    [{}, { ...all, DIRECT_URL: undefined }, 'direct', 'pooled'],
    [{}, { PGHOST: 'libpq' }, 'pooled', 'libpq'],
  ] as const)(
    'is the flag, else DIRECT_URL or DATABASE_URL, else libpq: case %#',
    ([flags, environment, kind, host]) => {
      expect(resolveTarget(flags, real(environment), kind).host).toBe(host)
    },
  )

  test('is filled up from the variables of libpq where the URL is silent', () => {
    const environment = {
      PGPASSWORD: 'secret',
      PGPORT: '6000',
      PGUSER: 'u',
      PGHOSTADDR: '10.0.0.1',
      PGSSLMODE: 'disable',
    }
    expect(resolveTarget({ databaseUrl: 'postgres://named/d' }, real(environment), 'pooled')).toMatchObject({
      host: 'named',
      port: 6000,
      user: 'u',
      password: 'secret',
      tls: 'off',
    })
  })

  test('has no default: PGUSER alone names no database', () => {
    expect(() => resolveTarget({}, real({ PGUSER: 'me', PGPORT: '5432' }), 'direct')).toThrow('no database is named')
  })

  test('may come from a service file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'chatkeep-service-')), 'pg_service.conf')
    writeFileSync(file, '# ours\n[crm]\nhost=db7\nport=5439\ndbname=crm\n\n[other]\nhost=x\n')
    const environment = { PGSERVICE: 'crm', PGSERVICEFILE: file, PGHOST: 'ignored' }
    expect(resolveTarget({}, real(environment), 'direct')).toMatchObject({ host: 'db7', port: 5439, database: 'crm' })
    expect(() => resolveTarget({}, real({ ...environment, PGSERVICE: 'none' }), 'direct')).toThrow(
      'there is no service "none"',
    )
    expect([...parseServiceFile('[a]\r\nhost = b\r\n').entries()]).toEqual([['a', { host: 'b' }]])
  })

  test('has the schema of the flag, else of the URL', () => {
    const url = { databaseUrl: 'postgres://h/d?schema=chat' }
    expect(resolveTarget(url, real({}), 'direct').schema).toBe('chat')
    expect(resolveTarget({ ...url, schema: 'other' }, real({}), 'direct').schema).toBe('other')
  })
})

describe('every connection setting', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chatkeep-settings-'))
  const file = join(folder, 'pg_service.conf')
  writeFileSync(file, '[crm]\nhost=of-the-service\n')

  /** A value for each setting, and what it changes, or the error that shows that it was read. */
  const examples: Readonly<Record<ConnectionSetting, readonly [value: string, effect: object | string]>> = {
    host: ['db7', { host: 'db7' }],
    hostaddr: ['10.0.0.7', { host: '10.0.0.7' }],
    port: ['6543', { port: 6543 }],
    dbname: ['crm', { database: 'crm' }],
    user: ['ana', { user: 'ana' }],
    password: ['p@ss', { password: 'p@ss' }],
    options: ['-c jit=off', { options: '-c jit=off' }],
    connect_timeout: ['7', { connectTimeoutMs: 7_000 }],
    sslmode: ['disable', { tls: 'off' }],
    sslrootcert: ['/nowhere/root.crt', '/nowhere/root.crt'],
    sslcert: ['/nowhere/own.crt', '/nowhere/own.crt'],
    sslkey: ['/nowhere/own.key', '/nowhere/own.key'],
    service: ['crm', { host: 'of-the-service' }],
    schema: ['chat', { schema: 'chat' }],
  }

  const expectEffect = (read: () => ConnectionTarget, effect: object | string): void => {
    if (typeof effect === 'string') expect(read).toThrow(effect)
    else expect(read()).toMatchObject(effect)
  }

  test.each(Object.entries(examples))('%s is read from a URL', (name, [value, effect]) => {
    const given = name === 'sslmode' ? {} : { sslmode: 'require' }
    const query = new URLSearchParams({ ...given, [name]: value }).toString()
    const databaseUrl = `postgres:///?${query}`
    expectEffect(() => resolveTarget({ databaseUrl }, real({ PGSERVICEFILE: file }), 'direct'), effect)
  })

  test.each(Object.entries(CONNECTION_SETTINGS).filter(([, variable]) => variable !== undefined))(
    '%s is read from %s',
    (name, variable) => {
      const [value, effect] = examples[name as ConnectionSetting]
      const environment = { DATABASE_URL: 'postgres:///', PGSERVICEFILE: file, PGSSLMODE: 'require' }
      expectEffect(() => resolveTarget({}, real({ ...environment, [variable ?? '']: value }), 'direct'), effect)
    },
  )

  test('is in the list; others are ignored', () => {
    expect(Object.keys(CONNECTION_SETTINGS).toSorted()).toEqual(Object.keys(examples).toSorted())
    expect(Object.keys(parseDatabaseUrl('postgres://h/d?schema=a&pgbouncer=true&sslaccept=strict', 'x'))).toEqual([
      'host',
      'dbname',
      'schema',
    ])
  })
})
