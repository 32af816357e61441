import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { binary, startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { migrated } from '../support/chat.js'
import { expect, test, type TestDatabase } from '../support/database.js'

/** What Node and the driver write on their own. */
const FOREIGN = /\(node:\d+\)|Warning:|deprecated|SECURITY/

describe('the driver never speaks to the user', () => {
  let home: string
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'chatkeep-home-'))
  })
  afterAll(() => rm(home, { recursive: true }))

  /** Ways to name a database with a password, each with what is typed and what is set. */
  const ways = (
    url: URL,
  ): Readonly<Record<string, readonly [argv: readonly string[], env: Record<string, string>]>> => {
    const { hostname: host, port, pathname, username: user } = url
    const dbname = decodeURIComponent(pathname.slice(1))
    const password = decodeURIComponent(url.password)
    const open = `postgres://${user}@${host}:${port}${pathname}`
    const variables = { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: dbname }
    return {
      'a URL': [['--database-url', `${open.replace('@', `:${url.password}@`)}?sslmode=prefer`], {}],
      'a URL and ~/.pgpass': [['--database-url', open], {}],
      'a string and ~/.pgpass': [['-d', `host=${host} port=${port} user=${user} dbname=${dbname}`], {}],
      DATABASE_URL: [[], { DATABASE_URL: url.href, PGSSLMODE: 'allow' }],
      'variables and ~/.pgpass': [[], { ...variables, PGSSLMODE: 'prefer' }],
      'variables and PGPASSWORD': [
        [],
        { ...variables, PGPASSWORD: password, PGOPTIONS: '-c jit=off', PGAPPNAME: 'night' },
      ],
      'a service': [[], { PGSERVICE: 'crm' }],
    }
  }

  const writeHome = async (url: URL): Promise<void> => {
    const { hostname: host, port, pathname, username: user } = url
    const password = decodeURIComponent(url.password)
    await writeFile(join(home, '.pgpass'), `*:*:*:*:${password.replace(/[\\:]/g, String.raw`\$&`)}\n`, { mode: 0o600 })
    const service = `[crm]\nhost=${host}\nport=${port}\nuser=${user}\ndbname=${decodeURIComponent(pathname.slice(1))}\n`
    await writeFile(join(home, '.pg_service.conf'), service)
  }

  const commands = [
    ['migrate', '--dry-run'],
    ['rollback', '--dry-run'],
    ['verify'],
    ['metrics'],
    ['reconcile'],
    ['replay', '--scenario', 'guest-flow'],
  ]

  // Each process takes half a second: CONNECTIONS=all runs every command in every way, npm test two of them in each.
  const chosen = (index: number) =>
    process.env.CONNECTIONS === 'all'
      ? commands
      : commands.filter((_command, at) => [index % commands.length, (index + 3) % commands.length].includes(at))

  test.for([
    ['a URL', 0],
    ['a URL and ~/.pgpass', 1],
    ['a string and ~/.pgpass', 2],
    ['DATABASE_URL', 3],
    ['variables and ~/.pgpass', 4],
    ['variables and PGPASSWORD', 5],
    ['a service', 6],
  ] as const)('whatever names the database: %s', async ([way, index], { database }) => {
    await migrated(database)
    const url = new URL(database.url)
    await writeHome(url)
    const [argv, env] = ways(url)[way] ?? [[], {}]
    for (const command of chosen(index)) {
      const { code, stderr } = await whenEnded(startChatkeep([...command, ...argv], { HOME: home, ...env }))
      expect([command, code, stderr]).toEqual([command, 0, expect.not.stringMatching(FOREIGN)])
    }
    if (process.env.CONNECTIONS !== 'all' && index % 3 > 0) return
    const server = startChatkeep(['serve', '--port', '0', ...argv], { HOME: home, ...env })
    server.stdout?.once('data', () => server.kill('SIGTERM'))
    const { code, stderr } = await whenEnded(server)
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(FOREIGN)])
  })
})

test('a database that a file names gets no password that the driver would find in the environment', async ({
  database,
}) => {
  const url = new URL(database.url)
  const file = join(await mkdtemp(join(tmpdir(), 'chatkeep-env-')), 'file')
  await writeFile(
    file,
    `PGHOST=${url.hostname}\nPGPORT=${url.port}\nPGUSER=${url.username}\nPGDATABASE=${database.name}\n`,
  )
  const env = { PGPASSWORD: decodeURIComponent(url.password) }
  const { stderr } = await whenEnded(startChatkeep(['metrics', '--env-file', file], env))
  expect(stderr).toContain('it requires a password, and none was given')
})

const hasScript = await new Promise<boolean>((resolve) => {
  spawn('script', ['--version'])
    .once('error', () => resolve(false))
    .once('exit', (code) => resolve(code === 0))
})

describe.skipIf(!hasScript)('a password that nothing names (script(1) provides the terminal)', () => {
  const typing = async (database: TestDatabase, keys: string, flags: readonly string[] = [], env = {}) => {
    const url = new URL(database.url)
    const target = `host=${url.hostname} port=${url.port} user=${url.username} dbname=${database.name}`
    const command = [process.execPath, binary, 'metrics', ...flags, '-d', target].map((word) => `'${word}'`).join(' ')
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, HOME: tmpdir(), ...env },
    })
    const ended = whenEnded(child)
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('Password for user')) child.stdin.write(keys)
    })
    return ended
  }
  const passwordIn = ({ url }: TestDatabase): string => decodeURIComponent(new URL(url).password)

  test('is asked for on the terminal, without echo', async ({ database }) => {
    await migrated(database)
    const { code, stdout } = await typing(database, `x\u007f${passwordIn(database)}\r`)
    expect(stdout).toContain(`Password for user ${new URL(inject('serverUrl')).username}: `)
    expect(code).toBe(0)
    expect(stdout).not.toContain(passwordIn(database))
  })

  test('ends the run when it is wrong, and Ctrl-C does, too', async ({ database }) => {
    const wrong = await typing(database, 'wrong-password\r')
    expect(wrong.stdout).toContain('did not accept the password')
    expect([wrong.code, wrong.stdout.includes('wrong-password')]).toEqual([3, false])
    expect((await typing(database, '\u0003')).code).toBe(130)
  })

  test.for([
    [['--json'], {}],
    [[], { CI: 'true' }],
  ] as const)('is not asked for with %j %j', async ([flags, env], { database }) => {
    const { code, stdout } = await typing(database, '', flags, env)
    expect([code, stdout.includes('it requires a password'), stdout.includes('Password for')]).toEqual([3, true, false])
  })
})
