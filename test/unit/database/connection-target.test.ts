import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Environment, EnvironmentSources } from '../../../src/cli/environment.js'
import { resolveTarget } from '../../../src/cli/resolve-target.js'
import {
  describeHost,
  describeTarget,
  parseDatabaseUrl,
  toConnectionTarget,
  toDatabaseUrl,
  type ConnectionTarget,
} from '../../../src/database/connection-target.js'
import { parseTarget } from '../../../src/database/target/connection-string.js'
import { parseServiceFile } from '../../../src/database/target/service-file.js'
import {
  CONNECTION_SETTINGS,
  UNSUPPORTED_SETTINGS,
  type ConnectionSetting,
} from '../../../src/database/target/settings.js'
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
      tls: { ways: ['plain'] },
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
      tls: { ways: ['plain'] },
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
    ['postgres://u:geheim@[::1/d', 'it cannot be parsed'],
    ['postgres://u:geheim@h/d?sslmode', 'its parameters are not name=value, joined by &'],
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
    ['postgres://db1/d', ['tls', 'plain']],
    ['postgres://localhost/d', ['tls', 'plain']],
    ['postgres://db1/d?sslmode=allow', ['plain', 'tls']],
    ['postgres://db1/d?sslmode=require', ['tls']],
    ['postgres://db1/d?ssl=true', ['tls']],
    ['postgres://db1/d?sslrootcert=system', ['tls']],
    ['postgres://db1/d?sslmode=disable', ['plain']],
    ['postgres:///d?host=/run/pg&sslmode=require', ['plain']],
  ] as const)('means by sslmode what psql means: %s', ([url, ways]) => {
    expect(fromUrl(url).tls.ways).toEqual(ways)
  })

  test.for([
    ['postgres://a,b:5433/d', ['a:5432', 'b:5433']],
    ['postgres://a,b/d?port=1,2', ['a:1', 'b:2']],
    ['postgres://a,b/d?port=7', ['a:7', 'b:7']],
    ['postgres://[::1]:5,b/d', ['[::1]:5', 'b:5432']],
    ['postgres://a/d?host=b', ['b:5432']],
    ['postgres://a,b/d?hostaddr=10.0.0.1,10.0.0.2', ['a:5432 (10.0.0.1)', 'b:5432 (10.0.0.2)']],
    ['postgres:///d?hostaddr=10.0.0.1', ['10.0.0.1:5432']],
    ['postgres:///d?host=a,/run/pg', ['a:5432', '/run/pg:5432']],
  ] as const)('names hosts as for psql: %s', ([url, hosts]) => {
    expect(fromUrl(url).hosts.map(describeHost)).toEqual(hosts)
  })

  test.for([
    ['postgres://a,b/d?hostaddr=10.0.0.1', 'hostaddr has 1 entries for 2 hosts'],
    ['postgres://a/d?port=1,2', 'port has 2 entries for 1 hosts'],
    ['postgres://a/d?target_session_attrs=writable', 'target_session_attrs is "writable"'],
    ['postgres://a/d?sslmod=verify-full', '--database-url has an unknown setting: "sslmod"'],
    ['postgres://a/d?sslnegotiation=direct', 'sslnegotiation=direct needs require'],
    ['postgres:///d?hostaddr=10.0.0.1&sslmode=verify-full', 'hostaddr is given without host'],
    ['postgres://a/d?require_auth=scram-sha-256,!md5', 'require_auth is "scram-sha-256,!md5"'],
    ['postgres://a/d?gssencmode=require', 'gssencmode=require cannot be honoured: GSSAPI is not supported'],
    ['postgres://a/d?requirepeer=postgres', 'requirepeer=postgres cannot be honoured'],
  ] as const)('that asks for what cannot be done is refused: %s', ([url, reason]) => {
    expect(() => fromUrl(url)).toThrow(reason)
  })

  test('comes back from a target', () => {
    const target = fromUrl('postgres://d%20e:p%40%2F@127.0.0.1:6543/a%20b')
    const { host, port, user, password, database } = target
    expect(fromUrl(toDatabaseUrl(target))).toMatchObject({ host, port, user, password, database })
    expect(toDatabaseUrl(fromUrl('postgres://u@h/d?sslmode=disable'))).toBe('postgres://u@h:5432/d?sslmode=disable')
  })
})

const real = (variables: Environment): EnvironmentSources => ({ real: variables, file: undefined, notes: [] })

const withFile = (variables: Environment, others: Environment, isNamed = false): EnvironmentSources => ({
  real: others,
  file: { name: '.env', isNamed, variables },
  notes: [],
})

describe('what follows -d', () => {
  const hostOf = (text: string) => {
    const { hosts, database, user, password } = toConnectionTarget(parseTarget(text, '--dbname'))
    return { hosts: hosts.map(describeHost), database, user, password }
  }

  test.for([
    ['host=a,b port=1,2 dbname=crm user=ana', { hosts: ['a:1', 'b:2'], database: 'crm', user: 'ana' }],
    [`host = a dbname = 'my crm' password='it\\'s \\\\ here'`, { database: 'my crm', password: `it's \\ here` }],
    [String.raw`host=a dbname=my\ crm`, { database: 'my crm' }],
    [`host=a dbname='' user=ana`, { database: 'ana' }],
    ['postgres://a/crm', { hosts: ['a:5432'], database: 'crm' }],
    ['crm', { database: 'crm' }],
  ] as const)('is read as psql reads it: %s', ([text, expected]) => {
    expect(hostOf(text)).toMatchObject(expected)
  })

  test.for(['host=a geheim', `host=a password='geheim`, 'host=a =geheim', String.raw`password=geheim\ `.trimEnd()])(
    'is refused without showing it: %s',
    (text) => {
      expect(() => hostOf(text)).toThrow('--dbname is not a usable connection string')
    },
  )

  test('must name what is known', () => {
    expect(() => hostOf('host=a sslmod=require')).toThrow('--dbname has an unknown setting: "sslmod"')
    expect(() => hostOf('host=a pgbouncer=true')).toThrow('"pgbouncer"')
  })
})

describe('a database that a file names', () => {
  const secret = {
    PGPASSWORD: 'secret',
    PGSSLCERT: '/own.crt',
    PGSSLKEY: '/own.key',
    PGSSLMODE: 'disable',
    PGUSER: 'me',
  }
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

  test('gets no client certificate of the home folder when the file names its host', () => {
    const HOME = mkdtempSync(join(tmpdir(), 'chatkeep-home-'))
    mkdirSync(join(HOME, '.postgresql'))
    writeFileSync(join(HOME, '.postgresql', 'postgresql.crt'), 'not a certificate')
    const read = (variables: Environment) => () => resolveTarget({}, withFile(variables, { HOME }), 'direct')
    expect(read({ PGHOST: 'elsewhere' })).not.toThrow()
    expect(read({ PGDATABASE: 'd', PGHOST: 'elsewhere', PGSSLCERT: '/nowhere/own.crt' })).toThrow('/nowhere/own.crt')
    expect(() => resolveTarget({}, real({ HOME, PGHOST: 'elsewhere' }), 'direct')).toThrow('postgresql.key')
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
      hosts: [{ host: 'named', port: 6000, address: '10.0.0.1', password: 'secret' }],
      user: 'u',
      tls: { ways: ['plain'] },
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
    expect(parseServiceFile('[a]\r\nhost = b\r\nhost=c\r\n[a]\nport=1\n', 'a', 'f')).toEqual({ host: 'b' })
    expect(parseServiceFile('[b]\nnonsense\n', 'a', 'f')).toBeUndefined()
    expect(() => parseServiceFile('[a]\nnonsense\n', 'a', 'f')).toThrow('line 2 of f is not keyword=value')
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
  writeFileSync(file, '[crm]\nhost=of-the-service\n', { mode: 0o600 })

  /** A value for each setting, and what it changes, or the error that shows that it was read. */
  const examples: Readonly<Record<ConnectionSetting, readonly [value: string, effect: object | string]>> = {
    host: ['db7', { host: 'db7' }],
    hostaddr: ['10.0.0.7', { host: '10.0.0.7' }],
    port: ['6543', { port: 6543 }],
    dbname: ['crm', { database: 'crm' }],
    user: ['ana', { user: 'ana' }],
    password: ['p@ss', { password: 'p@ss' }],
    passfile: [folder, { warnings: [`the password file ${folder} is ignored: it is not a regular file`] }],
    options: ['-c jit=off', { options: '-c jit=off' }],
    application_name: ['night', { applicationName: 'night' }],
    connect_timeout: ['7', { connectTimeoutMs: 7_000 }],
    target_session_attrs: ['primary', { sessionAttributes: 'primary' }],
    load_balance_hosts: ['random', { balancesLoad: true }],
    channel_binding: ['require', { channelBinding: 'require' }],
    require_auth: ['magic', 'require_auth is "magic"'],
    sslmode: ['disable', { tls: { ways: ['plain'] } }],
    sslnegotiation: ['direct', { tls: { negotiation: 'direct' } }],
    sslrootcert: ['/nowhere/root.crt', '/nowhere/root.crt'],
    sslcert: ['/nowhere/own.crt', '/nowhere/own.crt'],
    sslkey: ['/nowhere/own.key', '/nowhere/own.key'],
    sslpassword: ['secret', 'TLS cannot be set up'],
    sslcertmode: ['magic', 'sslcertmode is "magic"'],
    sslcrl: ['/nowhere/root.crl', '/nowhere/root.crl'],
    sslcrldir: ['/nowhere/crls', '/nowhere/crls'],
    sslsni: ['0', { tls: { sendsName: false } }],
    ssl_min_protocol_version: ['TLSv9', 'ssl_min_protocol_version is "TLSv9"'],
    ssl_max_protocol_version: ['TLSv9', 'ssl_max_protocol_version is "TLSv9"'],
    service: ['crm', { host: 'of-the-service' }],
    servicefile: ['/nowhere/services', 'there is no service'],
    schema: ['chat', { schema: 'chat' }],
    gssencmode: ['require', 'gssencmode=require cannot be honoured'],
    requirepeer: ['postgres', 'requirepeer=postgres cannot be honoured'],
    replication: ['database', 'replication=database cannot be honoured'],
    min_protocol_version: ['3.2', 'min_protocol_version=3.2 cannot be honoured'],
    scram_client_key: ['x', 'scram_client_key=x cannot be honoured'],
    scram_server_key: ['x', 'scram_server_key=x cannot be honoured'],
  }

  /** What must be set besides for an example to have its effect. */
  const besides = (name: string): Readonly<Record<string, string>> => ({
    ...(name === 'sslmode' ? {} : { sslmode: 'require' }),
    ...(name === 'servicefile' ? { service: 'nowhere' } : {}),
    ...(name === 'sslkey' || name === 'sslpassword' ? { sslcert: file } : {}),
    ...(name === 'sslpassword' ? { sslkey: file } : {}),
    ...(name.startsWith('sslcrl') ? { sslrootcert: file } : {}),
  })

  const expectEffect = (read: () => ConnectionTarget, effect: object | string): void => {
    if (typeof effect === 'string') expect(read).toThrow(effect)
    else expect(read()).toMatchObject(effect)
  }

  /** A URL with these settings, and a host of TCP unless the settings name one. */
  const urlWith = (name: string, settings: Readonly<Record<string, string>>): string => {
    const host = name.startsWith('host') || name === 'service' ? {} : { host: 'localhost' }
    return `postgres:///?${new URLSearchParams({ ...host, ...settings }).toString().replaceAll('+', '%20')}`
  }

  test.each(Object.entries(examples))('%s is read from a URL', (name, [value, effect]) => {
    const databaseUrl = urlWith(name, { ...besides(name), [name]: value })
    expectEffect(() => resolveTarget({ databaseUrl }, real({ PGSERVICEFILE: file, HOME: folder }), 'direct'), effect)
  })

  const variables = [
    ...Object.entries(CONNECTION_SETTINGS),
    ...Object.entries(UNSUPPORTED_SETTINGS).map(
      ([name, setting]) => [name, 'variable' in setting ? setting.variable : undefined] as const,
    ),
  ].filter(([, variable]) => variable !== undefined)

  test.each(variables)('%s is read from %s', (name, variable) => {
    const [value, effect] = examples[name as ConnectionSetting]
    const environment = { DATABASE_URL: urlWith(name, besides(name)), PGSERVICEFILE: file, HOME: folder }
    expectEffect(() => resolveTarget({}, real({ ...environment, [variable ?? '']: value }), 'direct'), effect)
  })

  test('of ORMs and poolers is ignored in a URL', () => {
    const url = 'postgres://h/d?schema=a&pgbouncer=true&sslaccept=strict'
    expect(parseDatabaseUrl(url, 'x')).toEqual({ host: 'h', dbname: 'd', schema: 'a' })
  })
})

describe('the password file', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'chatkeep-passfile-')), 'pgpass')
  writeFileSync(path, '', { mode: 0o600 })
  const passwordOf = (lines: string, url: string): string | undefined => {
    writeFileSync(path, lines)
    return fromUrl(`${url}${url.includes('?') ? '&' : '?'}passfile=${path}`).hosts[0].password
  }

  test.for([
    ['db1:5432:crm:ana:one\ndb1:*:*:*:two', 'postgres://ana@db1/crm', 'one'],
    ['db1:5432:crm:ana:one\ndb1:*:*:*:two', 'postgres://ben@db1/crm', 'two'],
    ['# db1:*:*:*:no\n*:*:*:*:any', 'postgres://ana@db1/crm', 'any'],
    [String.raw`db1:*:a\:b:ana:p\:q\\r`, 'postgres://ana@db1/a%3Ab', String.raw`p:q\r`],
    ['localhost:*:*:*:local', 'postgres:///crm?host=/var/run/postgresql', 'local'],
    ['localhost:*:*:*:local', 'postgres:///crm?host=/run/other', undefined],
    ['db1:*:*:*:name', 'postgres://ana@db1/crm?hostaddr=10.0.0.1', 'name'],
    ['10.0.0.1:*:*:*:address', 'postgres:///crm?hostaddr=10.0.0.1', 'address'],
    ['db1:*:*:*:', 'postgres://ana@db1/crm', undefined],
    ['db1:*:*:*:file', 'postgres://ana:own@db1/crm', 'own'],
  ] as const)('gives the password of the first line that fits: %s, %s', ([lines, url, password]) => {
    expect(passwordOf(lines, url)).toBe(password)
  })

  test('is ignored, with a warning, when other users may read it', () => {
    chmodSync(path, 0o640)
    const { hosts, warnings } = fromUrl(`postgres://ana@db1/crm?passfile=${path}`)
    expect(hosts[0].password).toBeUndefined()
    expect(warnings).toEqual([`the password file ${path} is ignored: other users may read it; chmod 600 ${path}`])
    chmodSync(path, 0o600)
  })
})

describe('the role of the options', () => {
  test.for([
    ['-c role=app', 'crm on h:5432 as app (logged in as ana)'],
    ['-crole=a --role=b -c jit=off', 'crm on h:5432 as b (logged in as ana)'],
    [String.raw`--role=two\ words`, 'crm on h:5432 as two words (logged in as ana)'],
    ['-c roles=x', 'crm on h:5432 as ana'],
  ] as const)('is named: %s', ([options, described]) => {
    expect(describeTarget(toConnectionTarget({ host: 'h', user: 'ana', dbname: 'crm', options }))).toBe(described)
  })
})
