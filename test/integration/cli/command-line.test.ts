import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commands } from '../../../src/commands/index.js'
import { on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { MIGRATION_COUNT } from '../../support/migration-list.js'

const databaseCommands = [
  ['migrate'],
  ['verify'],
  ['rollback', '--confirm', 'crm'],
  ['metrics'],
  ['replay', 'test/support/none.ndjson'],
  ['serve', '--port', '0'],
] as const

describe('asking wrongly ends with 2, a reason and the next command', () => {
  test.for([
    [['metrics', '--sinse', '1d'], `unknown option '--sinse'`, 'chatkeep metrics --help'],
    [['metrics', '--since', 'soon'], 'Write a duration such as', 'chatkeep metrics --help'],
    [['mertics'], `unknown command 'mertics'`, 'chatkeep metrics --help'],
    [['migrate', 'now'], 'too many arguments', 'chatkeep migrate --help'],
    [['verify', '--database-url', 'mysql://x'], 'its scheme is mysql', 'postgres://user:password@host'],
    [['completion', 'tcsh'], 'Allowed choices are', 'chatkeep completion --help'],
  ] as const)('%j', async ([argv, reason, hint]) => {
    const { exitCode, stdout, stderr } = await runChatkeep(argv)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`error: `)
    expect(stderr).toContain(reason)
    expect(stderr).toContain(`hint: `)
    expect(stderr).toContain(hint)
  })

  test.for(
    [
      ['metrics', '--sinse', '1d'],
      ['metrics', '--since'],
      ['metrics', '--since', 'soon'],
      ['mertics'],
      ['--sinse'],
      ['migrate', 'now'],
      ['verify', '--database-url', 'mysql://x'],
      ['verify', '--format', 'junit', '-d', 'x'],
      ['completion', 'tcsh'],
      ['explain', 'nothing'],
      ['replay'],
    ].map((argv) => ({ argv })),
  )('$argv with --json: one document on stdout, the same as one line on stderr', async ({ argv }) => {
    const { exitCode, stdout, stderr } = await runChatkeep([...argv, '--json'])
    expect(exitCode).toBe(2)
    const { error, ...rest } = JSON.parse(stdout) as { readonly error: object }
    expect(rest).toMatchObject({ ok: false })
    expect(stderr.split('\n')).toEqual([expect.any(String), ''])
    expect(JSON.parse(stderr)).toEqual({ ...error, type: 'error', at: expect.any(String) as string })
  })

  test.for(databaseCommands)('no database named: %s', async (argv) => {
    const { exitCode, stdout, stderr } = await runChatkeep([...argv], { env: { PGUSER: 'me' } })
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toBe(`error: no database is named
  name one in one of these ways:
    --database-url postgres://user@host:5432/name
    -d name, or -d "host=… dbname=…", as psql takes it
    DATABASE_URL, or DIRECT_URL for migrate, rollback and verify (also in .env or --env-file FILE)
    PGHOST, PGDATABASE, PGUSER, … or PGSERVICE, as psql reads them
    --embedded [DIR] for a PostgreSQL of its own
`)
  })
})

describe('a database that cannot be asked ends with 3', () => {
  test('nothing listens', async () => {
    for (const argv of databaseCommands.filter(([name]) => name !== 'replay')) {
      const { exitCode, stdout, stderr } = await runChatkeep([
        ...argv,
        '--database-url',
        'postgres://u@127.0.0.1:1/crm',
      ])
      expect([exitCode, stdout], stderr).toEqual([3, ''])
      expect(stderr).toMatch(/^error: .*nothing listens there/m)
      expect(stderr).toMatch(/^hint: /m)
    }
  })

  test('no such host', async () => {
    const { exitCode, stderr } = await runChatkeep([
      'verify',
      '--database-url',
      'postgres://u@no-such-host.invalid/crm',
    ])
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/no such host name|could not be looked up/)])
  })

  test('no such database', async ({ database }) => {
    const url = new URL(database.url)
    url.pathname += '_not'
    const { exitCode, stderr } = await runChatkeep(['metrics', '--database-url', url.href])
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('there is no database "')])
  })

  test('wrong password, which is not shown', async ({ database }) => {
    const url = new URL(database.url)
    url.password = 'completely-wrong'
    const { exitCode, stderr } = await runChatkeep(['metrics', '--database-url', url.href])
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('did not accept the password')])
    expect(stderr).not.toContain('completely-wrong')
  })

  test('something else listens there', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { exitCode, stderr } = await runChatkeep(['metrics', '--database-url', `postgres://u@127.0.0.1:${port}/d`])
    other.close()
    expect(exitCode, stderr).toBe(3)
    expect(stderr).toMatch(/^error: /)
  })
})

describe('--json', () => {
  test('prints exactly one document on stdout, on failure too', async ({ database }) => {
    for (const argv of [
      ['migrate', '--database-url', database.url],
      ['migrate', '--create-tables', '--dry-run', '--database-url', database.url],
      ['migrate', '--create-tables', '--database-url', database.url],
      ['verify', '--database-url', database.url],
      ['metrics', '--database-url', database.url],
      ['rollback', '--database-url', database.url],
      ['rollback', '--dry-run', '--database-url', database.url],
      ['verify', '--database-url', 'postgres://u@127.0.0.1:1/crm'],
      ['verify'],
      ['verify', '--nonsense'],
    ]) {
      const { exitCode, stdout } = await runChatkeep([...argv, '--json'])
      const document = JSON.parse(stdout) as { ok: boolean; error?: Record<string, unknown> }
      expect(document.ok, argv.join(' ')).toBe(exitCode === 0)
      if (exitCode > 1) {
        expect(Object.keys(document.error ?? {})).toEqual(
          expect.arrayContaining(['code', 'message', 'hint', 'sqlstate']),
        )
      }
    }
  })
})

describe('secrets', () => {
  test('never appear, whatever fails', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    for (let n = 0; n < 12; n += 1) {
      const secret = `${randomBytes(9).toString('base64')}%@:/'" #?`.slice(n % 5)
      const encoded = encodeURIComponent(secret)
      const url = new URL(database.url)
      url.password = encoded
      const runs = [
        runChatkeep(['verify', '--database-url', url.href]),
        runChatkeep(['verify', '--database-url', `postgres://u:${encoded}@127.0.0.1:1/d`, '--json']),
        runChatkeep(['verify', '--database-url', `postgers://u:${encoded}@h/d`]),
        runChatkeep(['verify', '--database-url', `postgres://u:${secret}@h:x/d`]),
        runChatkeep(['verify', `--database-ulr=postgres://u:${encoded}@h/d`]),
        runChatkeep(['metrics'], { env: { DATABASE_URL: `postgres://u:${encoded}@127.0.0.1:1/d` } }),
        runChatkeep(['metrics'], { env: { PGHOST: '127.0.0.1', PGPORT: '1', PGPASSWORD: secret } }),
      ]
      for (const { exitCode, stdout, stderr } of await Promise.all(runs)) {
        expect(exitCode).not.toBe(0)
        expect(exitCode).not.toBe(70)
        expect(stdout + stderr).not.toContain(encoded)
        expect(stdout + stderr).not.toContain(secret)
      }
    }
  })
})

describe('.env', () => {
  test('of the working directory is read, and never overrides the environment', async ({ database }) => {
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-env-'))
    await writeFile(join(cwd, '.env'), `# ours\nDATABASE_URL="${database.url}"\n`)
    expect((await runChatkeep(['migrate', '--yes', '--create-tables'], { cwd })).exitCode).toBe(0)
    const { exitCode } = await runChatkeep(['metrics'], { cwd, env: { DATABASE_URL: 'postgres://u@127.0.0.1:1/d' } })
    expect(exitCode).toBe(3)
  })
})

describe('.env that was merely found', () => {
  const folderWith = async (content: string): Promise<string> => {
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-env-'))
    await writeFile(join(cwd, '.env'), content)
    return cwd
  }

  test('does not decide alone what is migrated', async ({ database }) => {
    const cwd = await folderWith(`DATABASE_URL="${database.url}"\n`)
    const { exitCode, stderr } = await runChatkeep(['migrate', '--create-tables'], { cwd })
    expect(exitCode).toBe(5)
    expect(stderr).toMatch(/^migrate {2}\S+ on 127\.0\.0\.1:\d+ as postgres from \.env {2}PostgreSQL /)
    expect(stderr).toContain(
      'error: only .env of the working directory says that ' +
        `${database.name} is meant; nothing was changed\nhint: chatkeep migrate --create-tables --env-file .env\nor: chatkeep migrate --create-tables --yes\n`,
    )
    expect((await runChatkeep(['migrate', '--create-tables', '--env-file', '.env'], { cwd })).exitCode).toBe(0)
    // Nothing is left to do, so nothing is asked.
    expect((await runChatkeep(['migrate'], { cwd })).exitCode).toBe(0)
  })

  test('is named in the header of each command, and in errors', async ({ database }) => {
    const cwd = await folderWith(`DATABASE_URL="${database.url}"\n`)
    await runChatkeep(['migrate', '--yes', '--create-tables'], { cwd })
    await writeFile(join(cwd, 'chats'), '')
    for (const argv of [
      ['verify'],
      ['rollback'],
      ['rollback', '--dry-run'],
      ['metrics'],
      ['reconcile'],
      ['replay', 'chats'],
      ['replay', '--scenario', 'guest-flow'],
    ]) {
      const { stdout, stderr } = await runChatkeep(argv, { cwd })
      expect(stdout + stderr, argv.join(' ')).toContain(`${database.name} on 127.0.0.1`)
      expect(stdout + stderr, argv.join(' ')).toContain(' as postgres from .env')
    }
    await writeFile(join(cwd, '.env'), 'DATABASE_URL=postgres://u@127.0.0.1:1/d\n')
    expect((await runChatkeep(['verify'], { cwd })).stderr).toContain('d on 127.0.0.1:1 as u from .env')
  })

  test('sets no operator secret, which --env-file may', async ({ database }) => {
    const cwd = await folderWith('CHATKEEP_OPERATOR_SECRET=a-secret-of-at-least-sixteen\n')
    const noted = '.env: CHATKEEP_OPERATOR_SECRET is ignored; name the file with --env-file to use it'
    const argv = ['metrics', '--database-url', database.url]
    expect((await runChatkeep(argv, { cwd })).stderr).toContain(noted)
    expect((await runChatkeep([...argv, '--json'], { cwd })).stderr).toContain(`"type":"note","text":"${noted}"`)
    expect((await runChatkeep([...argv, '--env-file', '.env'], { cwd })).stderr).not.toContain(noted)
  })

  test.runIf(process.getuid?.() === 0)('is ignored with a word when another user owns it', async () => {
    const cwd = await folderWith('DATABASE_URL=postgres://u@127.0.0.1:1/d\n')
    await chown(join(cwd, '.env'), 12_345, 12_345)
    const { exitCode, stderr } = await runChatkeep(['verify'], { cwd })
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('no database is named')])
    expect(stderr).toContain(`${cwd}/.env is ignored: it belongs to another user (uid 12345); name it with --env-file`)
    const named = await runChatkeep(['verify', '--env-file', '.env'], { cwd })
    expect(named.stderr).toContain('d on 127.0.0.1:1 as u from .env')
    const missing = await runChatkeep(['verify', '--env-file', 'missing'], { cwd })
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('missing cannot be read')])
  })

  test('is ignored when every user may write to it', async () => {
    const cwd = await folderWith('DATABASE_URL=postgres://u@127.0.0.1:1/d\n')
    await chmod(join(cwd, '.env'), 0o666)
    expect((await runChatkeep(['verify'], { cwd })).stderr).toContain('every user may write to it')
  })
})

describe('.env beside a real environment that names a database', () => {
  test.for([
    { DATABASE_URL: 'postgres://u@127.0.0.1:1/real' },
    { PGHOST: '127.0.0.1', PGPORT: '1', PGDATABASE: 'real' },
  ])('has no say, by whatever variable: %j', async (env) => {
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-env-'))
    await writeFile(join(cwd, '.env'), '\ufeffDIRECT_URL=postgres://u@127.0.0.1:2/file\nPGSERVICE=file\n')
    const real = await runChatkeep(['verify'], { cwd, env })
    expect(real.stderr).toContain('real on 127.0.0.1:1')
    const file = await runChatkeep(['verify'], { cwd })
    expect(file.stderr).toContain('there is no service "file"')
  })
})

describe('contradictions', () => {
  test.for([
    [['migrate', '--embedded', '--database-url', 'postgres://h/d'], '--embedded and --database-url exclude each other'],
    [['migrate', '--schema', '', '--database-url', 'postgres://h/d'], 'the value is empty'],
    [['migrate', '--database-url', ''], 'it is empty'],
    [['migrate', '--embedded', '-d', 'crm'], '--embedded and --dbname exclude each other'],
    [['migrate', '--database-url', 'postgres://h/d', '-d', 'crm'], '--database-url and --dbname exclude each other'],
    [['migrate', '--database-url', 'postgres://h/d?sslmod=verify-full'], 'unknown setting: "sslmod"'],
    [['migrate', '-d', 'host=h gssencmode=require'], 'gssencmode=require cannot be honoured'],
  ] as const)('are named: %j', async ([argv, reason]) => {
    const { exitCode, stderr } = await runChatkeep(argv)
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(reason)])
  })
})

describe('output', () => {
  test('has no colour in a pipe', async ({ database }) => {
    for (const argv of [['migrate'], ['verify'], ['metrics'], ['rollback']]) {
      const { stdout, stderr } = await on(database, ...argv)
      expect(stdout + stderr).not.toContain('\u001b')
    }
  })

  test('with --quiet is the verdict, and with --verbose also says where settings are from', async ({ database }) => {
    const quiet = await on(database, 'migrate', '--create-tables', '--quiet')
    expect(quiet).toMatchObject({ exitCode: 0, stderr: '' })
    expect(quiet.stdout).toMatch(/^ok: .* is migrated: .*\n$/)
    const healthy = await on(database, '-q', 'verify')
    expect(healthy.stdout).toMatch(/^ok: .*\n$/)
    await database.query('ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET NOT NULL')
    const broken = await on(database, 'verify', '-q')
    expect([broken.exitCode, broken.stderr]).toEqual([1, ''])
    expect(broken.stdout).toMatch(/^FAIL: .*\n$/)
    const env = { DATABASE_URL: database.url.replace(database.name, `${database.name}_not`) }
    const { exitCode, stderr } = await runChatkeep(['verify', '-v'], { env })
    expect(exitCode).toBe(3)
    for (const said of ['the environment sets DATABASE_URL', '  CODE: 3D000', 'exit code 3'])
      expect(stderr).toContain(`detail: ${said}`.replace('detail: exit', 'ms, exit'))
    expect((await runChatkeep(['verify', '-q'], { env })).stderr).toMatch(/^error: .*\n(hint: .*\n)?$/)
  })

  test('of help names every flag of every subcommand, and asks no database', async () => {
    for (const create of commands) {
      const name = create(() => () => Promise.resolve()).name()
      const { exitCode, stdout, stderr } = await runChatkeep([name, '--help'])
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(stdout).toContain(`Usage: chatkeep ${name}`)
    }
  })
})

describe('--embedded DIR', () => {
  test('keeps its data there from one run to the next', async () => {
    const folder = join(tmpdir(), `chatkeep-kept-${randomBytes(6).toString('hex')}`)
    const first = await runChatkeep(['migrate', '--embedded', folder])
    expect(first.exitCode, first.stderr).toBe(0)
    const second = await runChatkeep(['migrate', '--embedded', folder])
    expect([second.exitCode, second.stdout]).toEqual([
      0,
      expect.stringContaining(`nothing had to be done, ${MIGRATION_COUNT} already there`),
    ])
    await rm(folder, { recursive: true })
  })
})
