import { execFile } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveTarget } from '../../../src/cli/resolve-target.js'
import { withClient } from '../../../src/database/connection.js'
import { onlyRow } from '../../../src/database/rows.js'
import { OperatorError } from '../../../src/errors.js'
import { startThreeServers, type ThreeServers } from '../../support/three-servers.js'
import { createCertificates, hasOpenssl, type Certificates } from '../../support/tls-front.js'

const run = promisify(execFile)

/** What a row may name. */
interface Names extends Omit<ThreeServers, 'certificate'> {
  /** The authority's certificate, and that of another one. */
  readonly root: string
  readonly other: string
  /** A client certificate and its key, of `cert`. */
  readonly certificate: string
  readonly key: string
  readonly openKey: string
  /** The key, encrypted with `secret`. */
  readonly lockedKey: string
  /** Lists of revoked certificates: an empty one, and one with the server's. */
  readonly nothingRevoked: string
  readonly serverRevoked: string
  readonly folder: string
}

/** How a database is named: what follows -d, variables, and files in the home folder. */
interface Given {
  readonly d?: string
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

/** Why we refuse what psql accepts. */
type Stricter = string

type Row = readonly [what: string, given: (names: Names) => Given, stricter?: Stricter]

const VERDICT = `
  SELECT current_setting('port') || CASE WHEN inet_server_port() IS NULL THEN ' socket ' ELSE ' tcp ' END
    || CASE WHEN (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) THEN 'TLS ' ELSE 'plain ' END
    || current_user || ' ' || current_database() AS "verdict"`

const REFUSED = 'refused'

// Debian's psql is a wrapper that names a host of its own.
const findPsql = async (): Promise<string | undefined> => {
  const folder = '/usr/lib/postgresql'
  const versions = await readdir(folder).catch(() => [])
  const all = [
    ...versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => `${folder}/${version}/bin/psql`),
    'psql',
  ]
  const answers = await Promise.allSettled(all.map((path) => run(path, ['--version'])))
  return all[answers.findIndex(({ status }) => status === 'fulfilled')]
}

const found = await findPsql()
const program = found ?? 'psql'

const psql = async (d: string | undefined, env: Readonly<Record<string, string>>): Promise<string> => {
  const argv = ['-X', '-w', '-At', '-c', VERDICT, ...(d === undefined ? [] : ['-d', d])]
  return run(program, argv, { env: { PATH: process.env.PATH, ...env } }).then(
    ({ stdout }) => stdout.trim(),
    () => REFUSED,
  )
}

const ours = async (d: string | undefined, env: Readonly<Record<string, string>>): Promise<string> => {
  try {
    const target = resolveTarget(
      d === undefined ? {} : { dbname: d },
      { real: env, file: undefined, notes: [] },
      'direct',
    )
    return await withClient(
      target,
      { applicationName: 'chatkeep' },
      async (client) => onlyRow(await client.query<{ verdict: string }>(VERDICT)).verdict,
    )
  } catch (error) {
    if (error instanceof OperatorError) return REFUSED
    throw error
  }
}

const MODES = [undefined, 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const ROOTS = ['no', 'the right', 'a wrong'] as const

const PLACES: Readonly<Record<string, (names: Names) => string>> = {
  'a server without TLS': ({ plain }) => `host=localhost port=${plain}`,
  'a server with TLS': ({ tls }) => `host=localhost port=${tls}`,
  'its address': ({ tls }) => `host=127.0.0.1 port=${tls}`,
  'another name at its address': ({ tls }) => `host=db.example hostaddr=127.0.0.1 port=${tls}`,
}

const modes: readonly Row[] = MODES.flatMap((mode) =>
  ROOTS.flatMap((root) =>
    Object.entries(PLACES).map(([place, where]): Row => [
      `sslmode=${mode ?? '(none)'}, ${root} root certificate, ${place}`,
      (names) => {
        const file = { no: '', 'the right': ` sslrootcert=${names.root}`, 'a wrong': ` sslrootcert=${names.other}` }[
          root
        ]
        return { d: `${where(names)}${mode === undefined ? '' : ` sslmode=${mode}`}${file}` }
      },
    ]),
  ),
)

const MUST_EXIST = 'a file that a setting names must exist'

const tls: readonly Row[] = [
  ['PGSSLMODE', (n) => ({ d: `host=localhost port=${n.plain}`, env: { PGSSLMODE: 'require' } })],
  ['PGREQUIRESSL', (n) => ({ d: `host=localhost port=${n.plain}`, env: { PGREQUIRESSL: '1' } })],
  ['ssl=true in a URL', (n) => ({ d: `postgres://localhost:${n.plain}/?ssl=true` })],
  ['ssl=true in a string', (n) => ({ d: `host=localhost port=${n.tls} ssl=true` })],
  ['TLS at a socket', (n) => ({ d: `host=${n.sockets} port=${n.tls} sslmode=require` })],
  [
    'verify-full with PGHOSTADDR and another name',
    (n) => ({
      d: `host=db.example port=${n.tls} sslmode=verify-full sslrootcert=${n.root}`,
      env: { PGHOSTADDR: '127.0.0.1' },
    }),
  ],
  [
    'verify-full with PGHOSTADDR and its name',
    (n) => ({
      d: `postgres://localhost:${n.tls}/?sslmode=verify-full&sslrootcert=${n.root}`,
      env: { PGHOSTADDR: '127.0.0.1' },
    }),
  ],
  [
    'verify-full with nothing but an address',
    (n) => ({ d: `hostaddr=127.0.0.1 port=${n.tls} sslmode=verify-full sslrootcert=${n.root}` }),
  ],
  [
    'verify-ca with nothing but an address',
    (n) => ({ d: `hostaddr=127.0.0.1 port=${n.tls} sslmode=verify-ca sslrootcert=${n.root}` }),
  ],
  ['prefer, where only TLS is allowed', (n) => ({ d: `host=localhost port=${n.tls} user=tls-only` })],
  ['prefer, where only TLS is allowed, without TLS', (n) => ({ d: `host=localhost port=${n.plain} user=tls-only` })],
  ['prefer, where TLS is rejected', (n) => ({ d: `host=localhost port=${n.tls} user=plain-only` })],
  ['require, where TLS is rejected', (n) => ({ d: `host=localhost port=${n.tls} user=plain-only sslmode=require` })],
  ['allow, where only TLS is allowed', (n) => ({ d: `host=localhost port=${n.tls} user=tls-only sslmode=allow` })],
  ['allow, where TLS is rejected', (n) => ({ d: `host=localhost port=${n.tls} user=plain-only sslmode=allow` })],
  ['disable, where only TLS is allowed', (n) => ({ d: `host=localhost port=${n.tls} user=tls-only sslmode=disable` })],
  [
    'a root certificate that does not exist',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=require sslrootcert=${n.folder}/none` }),
    MUST_EXIST,
  ],
  [
    'a root certificate in the home folder',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=require`, files: { '.postgresql/root.crt': n.root } }),
  ],
  [
    'another root certificate in the home folder',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=require`, files: { '.postgresql/root.crt': n.other } }),
  ],
  [
    'another root certificate in the home folder, prefer',
    (n) => ({ d: `host=localhost port=${n.tls}`, files: { '.postgresql/root.crt': n.other } }),
  ],
  [
    'verify-full with the home folder',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=verify-full`, files: { '.postgresql/root.crt': n.root } }),
  ],
  [
    'a client certificate',
    (n) => ({ d: `host=localhost port=${n.tls} user=cert sslcert=${n.certificate} sslkey=${n.key}` }),
  ],
  ['no client certificate', (n) => ({ d: `host=localhost port=${n.tls} user=cert` })],
  [
    'a client certificate in the home folder',
    (n) => ({
      d: `host=localhost port=${n.tls} user=cert`,
      files: { '.postgresql/postgresql.crt': n.certificate, '.postgresql/postgresql.key': n.key },
    }),
  ],
  [
    'a key that others may read',
    (n) => ({
      d: `host=localhost port=${n.tls} user=cert sslmode=require sslcert=${n.certificate} sslkey=${n.openKey}`,
    }),
  ],
  [
    'a client certificate that does not exist',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=require sslcert=${n.folder}/none` }),
    MUST_EXIST,
  ],
  [
    'TLS 1.1 at most, which the default of the least excludes',
    (n) => ({ d: `host=localhost port=${n.tls} ssl_max_protocol_version=TLSv1.1` }),
  ],
  ['TLS 1.3 at least', (n) => ({ d: `host=localhost port=${n.tls} sslmode=require ssl_min_protocol_version=TLSv1.3` })],
  [
    'TLS 1.1 at most',
    (n) => ({
      d: `host=localhost port=${n.tls} sslmode=require ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1`,
    }),
  ],
  [
    'an unknown version of TLS',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=require ssl_min_protocol_version=TLSv9` }),
  ],
  ['no server name', (n) => ({ d: `host=localhost port=${n.tls} sslmode=verify-full sslrootcert=${n.root} sslsni=0` })],
  [
    'a list of revoked certificates that does not exist',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=verify-ca sslrootcert=${n.root} sslcrl=${n.folder}/none` }),
    MUST_EXIST,
  ],
  [
    'an encrypted key',
    (n) => ({
      d: `host=localhost port=${n.tls} user=cert sslmode=require sslcert=${n.certificate} sslkey=${n.lockedKey} sslpassword=secret`,
    }),
  ],
  [
    'an encrypted key and a wrong password',
    (n) => ({
      d: `host=localhost port=${n.tls} user=cert sslmode=require sslcert=${n.certificate} sslkey=${n.lockedKey} sslpassword=wrong`,
    }),
  ],
  [
    'a server that is not revoked',
    (n) => ({ d: `host=localhost port=${n.tls} sslmode=verify-full sslrootcert=${n.root} sslcrl=${n.nothingRevoked}` }),
  ],
  [
    'a revoked server',
    (n) => ({
      d: `host=localhost port=${n.tls} sslmode=verify-full sslrootcert=${n.root}`,
      env: { PGSSLCRL: n.serverRevoked },
    }),
  ],
  [
    'a server revoked in the home folder',
    (n) => ({
      d: `host=localhost port=${n.tls} sslmode=require`,
      files: { '.postgresql/root.crt': n.root, '.postgresql/root.crl': n.serverRevoked },
    }),
  ],
  ['an unknown mode', (n) => ({ d: `host=localhost port=${n.tls} sslmode=always` })],
]

const hosts: readonly Row[] = [
  ['the first of two', (n) => ({ d: `host=localhost,localhost port=${n.plain},${n.tls}` })],
  [
    'the second, when nothing listens at the first',
    (n) => ({ d: `postgres://localhost:${n.closed},localhost:${n.tls}/postgres` }),
  ],
  ['the second, when the first has no address', (n) => ({ d: `postgres://none.invalid,localhost:${n.tls}/postgres` })],
  [
    'not the second, when the first lacks TLS',
    (n) => ({ d: `host=localhost,localhost port=${n.plain},${n.tls} sslmode=require` }),
  ],
  [
    'not the second, when the first is not trusted',
    (n) => ({ d: `host=localhost,localhost port=${n.tls},${n.plain} sslmode=verify-ca sslrootcert=${n.other}` }),
  ],
  [
    'not the second, when the first rejects the role',
    (n) => ({ d: `host=localhost,localhost port=${n.plain},${n.tls} user=nobody` }),
  ],
  [
    'not the second, when the first lacks the database',
    (n) => ({ d: `host=localhost,localhost port=${n.plain},${n.tls} dbname=none` }),
  ],
  ['PGHOST and PGPORT as lists', (n) => ({ env: { PGHOST: 'localhost,localhost', PGPORT: `${n.closed},${n.plain}` } })],
  ['one port for all', (n) => ({ env: { PGHOST: `none.invalid,localhost`, PGPORT: String(n.plain) } })],
  ['more ports than hosts', (n) => ({ d: `host=localhost port=${n.plain},${n.tls}` })],
  ['addresses', (n) => ({ d: `hostaddr=127.0.0.1,127.0.0.1 port=${n.closed},${n.plain}` })],
  ['more addresses than hosts', (n) => ({ d: `host=localhost hostaddr=127.0.0.1,127.0.0.1 port=${n.plain}` })],
  ['a socket, then TCP', (n) => ({ d: `host=${n.sockets},localhost port=${n.closed},${n.plain}` })],
  ['a socket', (n) => ({ d: `postgres://${encodeURIComponent(n.sockets)}:${n.plain}/postgres` })],
  [
    'PGHOSTADDR, whatever the URL says',
    (n) => ({ d: `postgres://none.invalid:${n.plain}/postgres`, env: { PGHOSTADDR: '127.0.0.1' } }),
  ],
  ['a port that is none', () => ({ d: 'host=localhost port=many' })],
  ...['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby', 'writable'].flatMap(
    (attributes): Row[] => [
      [
        `${attributes}: a standby, then a primary`,
        (n) => ({ d: `host=localhost,localhost port=${n.standby},${n.plain} target_session_attrs=${attributes}` }),
      ],
      [
        `${attributes}: a primary, then a standby`,
        (n) => ({
          env: { PGHOST: 'localhost,localhost', PGPORT: `${n.plain},${n.standby}`, PGTARGETSESSIONATTRS: attributes },
        }),
      ],
      [
        `${attributes}: only a primary`,
        (n) => ({ d: `host=localhost port=${n.plain} target_session_attrs=${attributes}` }),
      ],
      [
        `${attributes}: a read-only database`,
        (n) => ({ d: `host=localhost port=${n.plain} dbname='read only' target_session_attrs=${attributes}` }),
      ],
    ],
  ),
]

const SERVICES = (n: Names): string => `# ours
[plain]
host=localhost
port=${n.plain}
dbname=read only

[two]
host=localhost,localhost
port=${n.closed},${n.tls}

[wrong]
host=localhost
sslmod=require
`

const ways: readonly Row[] = [
  ['a database name', (n) => ({ d: 'read only', env: { PGHOST: 'localhost', PGPORT: String(n.plain) } })],
  ['nothing but variables', (n) => ({ env: { PGHOST: 'localhost', PGPORT: String(n.plain) } })],
  ['a quoted value', (n) => ({ d: `host = localhost port = ${n.plain} dbname = 'read only'` })],
  ['an escaped value', (n) => ({ d: String.raw`host=localhost port=${n.plain} dbname=read\ only` })],
  ['a quote that is not closed', (n) => ({ d: `host=localhost port=${n.plain} dbname='read only` })],
  ['a keyword without a value', (n) => ({ d: `host=localhost port=${n.plain} dbname` })],
  ['an encoded URL', (n) => ({ d: `postgresql://ana@localhost:${n.plain}/read%20only` })],
  ['a URL that is encoded wrongly', (n) => ({ d: `postgresql://ana@localhost:${n.plain}/read%2only` })],
  ['a fragment', (n) => ({ d: `postgresql://ana@localhost:${n.plain}/postgres#1` })],
  [
    'parameters before the authority',
    (n) => ({ d: `postgres://none.invalid/none?host=localhost&port=${n.plain}&dbname=postgres` }),
  ],
  ['the last of two equal parameters', (n) => ({ d: `postgres://localhost:${n.plain}/?dbname=none&dbname=postgres` })],
  ['an unknown parameter', (n) => ({ d: `postgres://localhost:${n.plain}/?sslmod=require` })],
  ['an unknown keyword', (n) => ({ d: `host=localhost port=${n.plain} sslmod=require` })],
  ['a keyword of GSSAPI', (n) => ({ d: `host=localhost port=${n.plain} gssencmode=disable krbsrvname=x` })],
  ['GSSAPI required', (n) => ({ d: `host=localhost port=${n.plain} gssencmode=require` })],
  [
    'keepalives',
    (n) => ({ d: `host=localhost port=${n.plain} keepalives=0 tcp_user_timeout=1000 client_encoding=LATIN1` }),
  ],
  ['a role in the options', (n) => ({ d: `host=localhost port=${n.plain}`, env: { PGOPTIONS: '-c role=ana' } })],
  [
    'an unknown setting in the options',
    (n) => ({ d: `host=localhost port=${n.plain}`, env: { PGOPTIONS: '-c nosuch=1' } }),
  ],
  ['a service', (n) => ({ env: { PGSERVICE: 'plain' }, files: { '.pg_service.conf': SERVICES(n) } })],
  ['a service in a string', (n) => ({ d: 'service=two', files: { '.pg_service.conf': SERVICES(n) } })],
  [
    'a service, before the variables',
    (n) => ({ env: { PGSERVICE: 'two', PGPORT: '1' }, files: { '.pg_service.conf': SERVICES(n) } }),
  ],
  [
    'a service with an unknown keyword',
    (n) => ({ env: { PGSERVICE: 'wrong', PGPORT: String(n.plain) }, files: { '.pg_service.conf': SERVICES(n) } }),
  ],
  ['no such service', (n) => ({ env: { PGSERVICE: 'none' }, files: { '.pg_service.conf': SERVICES(n) } })],
  ['no password', (n) => ({ d: `host=localhost port=${n.plain} user=scram` })],
  ['PGPASSWORD', (n) => ({ d: `host=localhost port=${n.plain} user=scram`, env: { PGPASSWORD: 'secret' } })],
  ['a wrong password', (n) => ({ d: `postgres://scram:wrong@localhost:${n.plain}/postgres` })],
  ['a password in clear text', (n) => ({ d: `host=localhost port=${n.plain} user=clear password=secret` })],
  [
    'a password over TLS, with channel binding',
    (n) => ({ d: `host=localhost port=${n.tls} user=scram password=secret channel_binding=require` }),
  ],
  [
    'channel binding without TLS',
    (n) => ({ d: `host=localhost port=${n.plain} user=scram password=secret`, env: { PGCHANNELBINDING: 'require' } }),
  ],
  [
    'channel binding, where the server asks for clear text',
    (n) => ({ d: `host=localhost port=${n.tls} user=clear password=secret channel_binding=require` }),
  ],
  [
    'channel binding, where the server trusts everybody',
    (n) => ({ d: `host=localhost port=${n.tls} channel_binding=require` }),
  ],
  [
    'no channel binding',
    (n) => ({ d: `host=localhost port=${n.tls} user=scram password=secret channel_binding=disable` }),
  ],
  [
    '~/.pgpass',
    (n) => ({
      d: `host=localhost port=${n.plain} user=scram`,
      files: { '.pgpass': `localhost:${n.plain}:*:scram:secret` },
    }),
  ],
  [
    '~/.pgpass for another port',
    (n) => ({
      d: `host=localhost port=${n.plain} user=scram`,
      files: { '.pgpass': `localhost:${n.tls}:*:scram:secret` },
    }),
  ],
  [
    'the first line of ~/.pgpass',
    (n) => ({
      d: `host=localhost port=${n.plain} user=scram`,
      files: { '.pgpass': `*:*:*:*:wrong\nlocalhost:*:*:*:secret` },
    }),
  ],
  [
    '~/.pgpass by the name, not by the address',
    (n) => ({
      d: `host=db.example hostaddr=127.0.0.1 port=${n.plain} user=scram`,
      files: { '.pgpass': `127.0.0.1:*:*:*:secret` },
    }),
  ],
  [
    'passfile',
    (n) => ({
      d: `host=localhost port=${n.plain} user=scram passfile=${n.folder}/home/words`,
      files: { words: '*:*:*:*:secret' },
    }),
  ],
  [
    'PGPASSFILE that others may read',
    (n) => ({
      d: `host=localhost port=${n.plain} user=scram`,
      env: { PGPASSFILE: `${n.folder}/home/open` },
      files: { open: '*:*:*:*:secret' },
    }),
  ],
]

const canRun = found !== undefined && (await hasOpenssl())

describe.skipIf(!canRun)('connects as psql does (psql and openssl are needed)', () => {
  let certificates: Certificates
  let others: Certificates
  let names: Names

  beforeAll(async () => {
    ;[certificates, others] = await Promise.all([createCertificates(), createCertificates()])
    const folder = await mkdtemp(join(tmpdir(), 'chatkeep-like-psql-'))
    const client = await certificates.issue('DNS:client', 'cert')
    const write = async (name: string, content: Buffer, mode = 0o600): Promise<string> => {
      await writeFile(join(folder, name), content, { mode })
      return join(folder, name)
    }
    const servers = await startThreeServers(certificates)
    const lockedKey = createPrivateKey(client.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    })
    names = {
      ...servers,
      ...{ root: certificates.root, other: others.root, folder },
      certificate: await write('client.crt', client.cert),
      key: await write('client.key', client.key),
      lockedKey: await write('locked.key', Buffer.from(lockedKey)),
      nothingRevoked: await certificates.revoke('nothing', []),
      serverRevoked: await certificates.revoke('server', [servers.certificate]),
      openKey: await write('open.key', client.key, 0o644),
    }
  })
  afterAll(async () => {
    await names.stop()
    await Promise.all([certificates.remove(), others.remove(), rm(names.folder, { recursive: true })])
  })

  const prepare = async ({ env, files = {} }: Given): Promise<Readonly<Record<string, string>>> => {
    const home = join(names.folder, 'home')
    await rm(home, { recursive: true, force: true })
    await mkdir(join(home, '.postgresql'), { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      const isPath = content.startsWith('/')
      await writeFile(join(home, name), isPath ? await readFile(content) : content, {
        mode: name === 'open' ? 0o644 : 0o600,
      })
    }
    return { HOME: home, PGUSER: 'ana', PGDATABASE: 'postgres', ...env }
  }

  test.for([...modes, ...tls, ...hosts, ...ways])('%s', async ([, given, stricter]) => {
    const row = given(names)
    const env = await prepare(row)
    const [theirs, own] = await Promise.all([psql(row.d, env), ours(row.d, env)])
    if (stricter === undefined) expect(own).toBe(theirs)
    else expect([own, theirs]).toEqual([REFUSED, expect.not.stringContaining(REFUSED)])
  })
})
