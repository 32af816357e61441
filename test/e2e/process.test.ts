import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { migrated } from '../support/chat.js'
import { binary, startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { describe, expect, test, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { withMigrationsFolder } from '../support/migrations-folder.js'
import { until, untilRows } from '../support/until.js'
import { TABLE_WAITS } from '../support/table-waits.js'

/** A folder of migrations of which one is 3 MB long, so that the plan as JSON is. */
const withLongMigration = <T>(work: (folder: string) => Promise<T>): Promise<T> =>
  withMigrationsFolder(async (folder) => {
    const next = (await readdir(folder)).filter((name) => name.endsWith('.sql')).length + 1
    await writeFile(join(folder, `${next}_say-much.sql`), `-- ${'much '.repeat(600_000)}\nSELECT 1;\n`)
    return work(folder)
  })

const shell = (command: string): string =>
  execFileSync('bash', ['-c', `${command} 2>&1; echo "codes \${PIPESTATUS[*]}"`], {
    encoding: 'utf8',
    maxBuffer: 16 << 20,
  })

describe('a pipe', () => {
  test('that nobody writes to can be given up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chatkeep-pipe-'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const child = startChatkeep(['replay', join(folder, 'pipe'), '--database-url', 'postgres://127.0.0.1:1/none'])
    const ended = whenEnded(child)
    child.stderr?.once('data', () => child.kill('SIGTERM'))
    const { code, stderr } = await ended
    await rm(folder, { recursive: true })
    expect(stderr).toContain('stopped while reading the input: nothing was sent')
    expect(code).toBe(143)
  })

  test('carries 3 MB of JSON whole to a slow reader', async ({ database }) => {
    await withLongMigration(async (folder) => {
      const child = startChatkeep([
        'migrate',
        '--create-tables',
        '--dry-run',
        '--json',
        '--migrations',
        folder,
        '--database-url',
        database.url,
      ])
      const ended = whenEnded(child)
      // The pipe is full all the time: after each piece the reader rests.
      child.stdout?.on('data', () => {
        child.stdout?.pause()
        setTimeout(() => child.stdout?.resume(), 10)
      })
      const { code, stdout, stderr } = await ended
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout.length).toBeGreaterThan(3_000_000)
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, command: 'migrate' })
    })
  })

  test('that is closed early leaves no trace', async ({ database }) => {
    await withLongMigration(async (folder) => {
      const command = `'${process.execPath}' '${binary}' migrate --dry-run --create-tables --json --migrations '${folder}' --database-url '${database.url}'`
      expect(await Promise.resolve(shell(`${command} | head -1`))).toBe('{\ncodes 0 0\n')
    })
  })
})

test.runIf(existsSync('/dev/full'))('an answer that cannot be written is a failure', async ({ database }) => {
  const command = `{ '${process.execPath}' '${binary}' migrate --dry-run --create-tables --database-url '${database.url}' > /dev/full; }`
  const said = await Promise.resolve(shell(command))
  expect(said).toContain('error: the answer could not be written: ')
  expect(said).toContain('codes 3')
})

describe('a silent host', () => {
  test('never hangs: exit 3 with the reason', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const child = startChatkeep(['verify', '--database-url', `postgres://u@127.0.0.1:${port}/d?connect_timeout=1`])
    const { code, stderr } = await whenEnded(child)
    silent.close()
    expect(code).toBe(3)
    expect(stderr).toContain('it did not answer in time')
  })
})

/** A database to migrate, and a session that keeps migrate from its table until it commits. */
const blockedMigrate = async (database: TestDatabase): Promise<pg.Client> => {
  await loadFixture(database, 'crm-before')
  const blocker = await database.client()
  await blocker.query('BEGIN')
  await blocker.query('SELECT 1 FROM "ChatMessage" LIMIT 1')
  return blocker
}

const noSessionIsLeft = async (database: TestDatabase): Promise<void> => {
  const sessions = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'chatkeep%'`
  await until(async () => (await database.query(sessions)).length === 0, { what: 'no session is left' })
}

const canRun = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

describe('a signal', () => {
  test.for([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends a migrate that waits, with its exit code, and the server forgets it',
    async ([signal, exitCode], { database }) => {
      const reader = await blockedMigrate(database)
      const child = startChatkeep(['migrate', '--create-tables', '--database-url', database.url])
      const ended = whenEnded(child)
      await untilRows(database, TABLE_WAITS, { what: 'migrate waits for the table' })
      child.kill(signal)
      const { code, stderr } = await ended
      expect([code, stderr]).toEqual([exitCode, expect.stringContaining(`migrate was ended by ${signal}`)])
      await noSessionIsLeft(database)
      await reader.query('COMMIT')
    },
  )

  test.runIf(canRun('script'))(
    'the loss of the terminal ends a migrate as SIGHUP does, although nothing can be written',
    async ({ database }) => {
      const blocker = await blockedMigrate(database)
      const folder = await mkdtemp(join(tmpdir(), 'chatkeep-terminal-'))
      // The shell that owns the terminal gets the signal, and passes it on as an interactive one does.
      await writeFile(
        join(folder, 'run'),
        `trap 'kill -HUP $pid; wait $pid; echo $? > ended' HUP
         '${process.execPath}' '${binary}' migrate --yes --database-url '${database.url}' & pid=$!
         wait $pid`,
      )
      const env = { PATH: process.env.PATH, SHELL: '/bin/sh' }
      const terminal = spawn('script', ['-qec', 'exec sh ./run', '/dev/null'], { cwd: folder, env })
      await untilRows(database, TABLE_WAITS, { what: 'migrate waits for the table' })
      terminal.kill('SIGKILL')
      await until(async () => expect(await readFile(join(folder, 'ended'), 'utf8')).toBe('129\n'), {
        what: 'it ends with its exit code',
        deadlineMs: 20_000,
      })
      await noSessionIsLeft(database)
      await blocker.query('COMMIT')
      await rm(folder, { recursive: true })
    },
  )

  test('a migrate under nohup survives SIGHUP', async ({ database }) => {
    const blocker = await blockedMigrate(database)
    const child = startChatkeep(['migrate', '--database-url', database.url], { _: '/usr/bin/nohup' })
    const ended = whenEnded(child)
    await untilRows(database, TABLE_WAITS, { what: 'migrate waits for the table' })
    child.kill('SIGHUP')
    await blocker.query('COMMIT')
    expect((await ended).code).toBe(0)
  })

  test('kill -9 in the middle of a migrate leaves what the next one finishes', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.query('DROP INDEX "ChatMessage_guestUsername_createdAt_idx"')
    const writer = await database.client()
    await writer.query('BEGIN')
    await writer.query(`UPDATE "ChatMessage" SET "isRead" = true WHERE id = 1`)
    const child = startChatkeep(['migrate', '--create-tables', '--database-url', database.url])
    const ended = whenEnded(child)
    const building = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CREATE INDEX CONCURRENTLY%'`
    await untilRows(database, building, { what: 'the index build waits' })
    child.kill('SIGKILL')
    await ended
    await database.query(`SELECT pg_terminate_backend(pid) FROM (${building}) AS b`)
    await writer.query('COMMIT')
    await migrated(database)
    expect(
      await database.query(
        `SELECT indisvalid FROM pg_index WHERE indexrelid = '"ChatMessage_guestUsername_createdAt_idx"'::regclass`,
      ),
    ).toEqual([{ indisvalid: true }])
  })
})

describe('loading', () => {
  // Reports every file that is loaded while the program runs.
  const spy = `data:text/javascript,${encodeURIComponent(`
    import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(
      "import { writeSync } from 'node:fs'; export const load = async (url, context, next) => { if (url.startsWith('file:')) writeSync(2, 'LOADED ' + url + '\\\\n'); return next(url, context) }"))`)}`

  /** chalk and cli-table3, with what they need. */
  const OF_SCREENS = [
    ...['chalk', 'cli-table3', '@colors/colors', 'string-width'],
    ...['strip-ansi', 'ansi-regex', 'emoji-regex', 'is-fullwidth-code-point'],
  ]

  /** The packages of a file: the build names them before their code. */
  const packagesIn = (url: string): readonly string[] =>
    url.includes('/node_modules/')
      ? [url]
      : Array.from(
          readFileSync(fileURLToPath(url), 'utf8').matchAll(/^ *\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)/gm),
          ([, name = '']) => name,
        )

  test.for([[['--version']], [['--help']], [['migrate', '--help']], [['rollback', '--unknown']]] as const)(
    'only what is needed: %j',
    async ([argv]) => {
      const { stderr } = await whenEnded(startChatkeep(argv, {}, ['--import', spy]))
      const loaded = stderr
        .split('\n')
        .filter((line) => line.startsWith('LOADED '))
        .flatMap((line) => packagesIn(line.slice('LOADED '.length)))
      const light = ['@commander-js/extra-typings', 'commander']
      const allowed = argv.length === 2 && argv[0] === 'rollback' ? [...light, ...OF_SCREENS] : light
      // The version is printed before commander is loaded.
      expect(new Set(loaded).has('commander')).toBe(argv[0] !== '--version')
      expect(loaded.filter((name) => !allowed.includes(name))).toEqual([])
    },
  )
})
