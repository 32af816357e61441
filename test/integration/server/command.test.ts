import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ExitCode, OperatorError } from '../../../src/errors.js'
import { runChatkeep, type Run, type RunOptions } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { allowConnections, afterEach, beforeEach, describe, expect, test } from '../../support/database.js'
import { scrape } from '../../support/scrape.js'
import { connectTo, imageOf, SECRET, withoutMessages, type Ack } from '../../support/socket-chat.js'
import { until, untilRows } from '../../support/until.js'

const ANOTHER = 'another long secret'
const NO_OPERATORS =
  'operators cannot join: name --operators or --operator-secret-file, or set CHATKEEP_OPERATOR_SECRET'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-serve-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Runs `serve` until the work is over; the work is handed what was printed when it listened. */
const whileServing = async (
  argv: readonly string[],
  options: RunOptions,
  work: (printed: string) => Promise<void>,
): Promise<Run> => {
  const interruption = new AbortController()
  let onPrinted: (text: string) => void = () => undefined
  const printed = new Promise<string>((resolve) => {
    onPrinted = resolve
  })
  const run = runChatkeep(['serve', '--port', '0', ...argv], {
    cwd: folder,
    ...options,
    signal: interruption.signal,
    onStdout: (text) => onPrinted(text),
  })
  const first = await Promise.race([printed, run])
  if (typeof first !== 'string') return first
  try {
    await work(first)
  } finally {
    interruption.abort(new Error('SIGTERM'))
  }
  return run
}

const portIn = (printed: string): number => Number(/127\.0\.0\.1:(\d+)/.exec(printed)?.[1])

/** What the server answers to an operator who presents this secret. */
const joinWith = async (port: number, token: string): Promise<string> => {
  const socket = await connectTo(port)
  try {
    const ack = (await socket.emitWithAck('join', { role: 'operator', name: 'Lucía', token })) as Ack
    return ack.error?.code ?? 'ok'
  } finally {
    socket.disconnect()
  }
}

describe('serve', () => {
  test('shows metrics on a listener of its own, or on its own port to this machine alone', async ({ database }) => {
    await withoutMessages(database)
    const statusOf = async (url: string, init?: RequestInit) => (await fetch(url, init)).status
    const flags = ['--database-url', database.url, '--json']
    const urlsIn = (printed: string) => JSON.parse(printed) as { readonly url: string; readonly metricsUrl?: string }
    await whileServing(['--metrics', '127.0.0.1:0', ...flags], {}, async (printed) => {
      const { url, metricsUrl = '' } = urlsIn(printed)
      await until(async () => (await scrape(metricsUrl)).chatkeep_database_up === 1, { what: 'the database is read' })
      expect(await statusOf(metricsUrl, { method: 'POST' })).toBe(405)
      expect(await statusOf(new URL('/readyz', metricsUrl).href)).toBe(404)
      expect(await statusOf(new URL('/metrics', url).href)).toBe(404)
      const taken = await runChatkeep(['serve', '--port', '0', '--metrics', new URL(metricsUrl).host, ...flags])
      expect(taken.exitCode).toBe(ExitCode.busy)
      expect(taken.stdout).toContain('use another port with --metrics')
    })
    await whileServing(['--metrics', ...flags], {}, async (printed) => {
      const { url, metricsUrl = '' } = urlsIn(printed)
      expect(metricsUrl).toBe(new URL('/metrics', url).href)
      expect(await scrape(metricsUrl)).toMatchObject({ chatkeep_server_ready: 1 })
      expect(await statusOf(metricsUrl, { headers: { 'x-forwarded-for': '192.0.2.1' } })).toBe(403)
    })
    for (const address of ['9464', ':9464', '127.0.0.1', '127.0.0.1:65536', '::1:9464', 'a b:1'])
      expect((await runChatkeep(['serve', '--metrics', address, ...flags])).exitCode).toBe(ExitCode.usage)
    expect((await runChatkeep(['serve', '--metrics-interval', '1m', ...flags])).exitCode).toBe(ExitCode.usage)
  })

  test('says why a client that polls cannot connect: another server has its session, or --transports has no polling', async ({
    database,
  }) => {
    await withoutMessages(database)
    const flags = ['--database-url', database.url]
    const poll = async (printed: string, query = ''): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${portIn(printed)}/chat/?EIO=4&transport=polling${query}`)).json()
    const both = await whileServing(flags, {}, async (printed) => {
      expect(await poll(printed, '&sid=of-another-server')).toEqual({
        code: 1,
        message: expect.stringMatching(/another server has it; .* use WebSocket or sticky sessions$/) as string,
      })
    })
    expect(both.stderr).toMatch(/"event":"session_unknown","text":".* sticky sessions or --transports websocket"/)
    const one = await whileServing(['--transports', 'websocket', ...flags], {}, async (printed) => {
      expect(await poll(printed)).toEqual({
        code: 0,
        message: "this server does not offer this transport: connect with transports: ['websocket']",
      })
      ;(await connectTo(portIn(printed), 'websocket')).disconnect()
    })
    expect(one.stderr).toContain('"event":"transport_refused"')
    const misspelt = await runChatkeep(['serve', '--transports', 'tcp', ...flags])
    expect(misspelt).toMatchObject({ exitCode: ExitCode.usage })
  })

  test('starts while the database is unavailable if it has a journal, and stores the queued messages later', async ({
    database,
  }) => {
    await withoutMessages(database)
    await withProxy(database.url, async (proxy) => {
      proxy.pointAt('postgres://127.0.0.1:1/crm')
      const flags = ['--adapter', 'postgres', '--database-url', proxy.url]
      const env = { CHATKEEP_OPERATOR_SECRET: SECRET, DIRECT_URL: proxy.url }
      const refused = await runChatkeep(['serve', '--port', '0', ...flags], { cwd: folder, env })
      expect(refused).toMatchObject({ exitCode: ExitCode.unreachable, stdout: '' })

      const journal = ['--journal', 'chat.journal', ...flags]
      const run = await whileServing(journal, { env }, async (printed) => {
        const socket = await connectTo(portIn(printed))
        const ask = async (event: string, payload: object) => (await socket.emitWithAck(event, payload)) as Ack
        expect(await ask('join', { role: 'client', username: 'ana' })).toMatchObject({ ok: true })
        const message = { type: 'text', message: 'at 3 a.m.', messageId: 'm1' }
        expect(await ask('clientMessage', message)).toEqual({ ok: true, queued: true, messageId: 'm1' })
        proxy.pointAt(database.url)
        const texts = await untilRows(database, 'SELECT "text" FROM "ChatMessage"', { what: 'the message is stored' })
        expect(texts).toEqual([{ text: 'at 3 a.m.' }])
        socket.disconnect()
      })
      expect(run.stderr).toContain('"event":"started_without_database","code":"database_unreachable"')
      expect(run.stderr).toContain('"event":"adapter_lost"')

      await database.query('DROP INDEX "ChatMessage_idempotencyKey_key"')
      const unfit = await runChatkeep(['serve', '--port', '0', ...journal], { cwd: folder, env })
      expect(unfit).toMatchObject({ exitCode: 1, stdout: '' })
      expect(unfit.stderr).toContain('hint: chatkeep migrate')
    })
  })

  test('so it does while the database takes no connections', async ({ database }) => {
    await withoutMessages(database)
    await allowConnections(database, false)
    const flags = ['--journal', 'chat.journal', '--database-url', database.url]
    const run = await whileServing(flags, { env: { CHATKEEP_OPERATOR_SECRET: SECRET } }, async (printed) => {
      const socket = await connectTo(portIn(printed))
      const ask = async (event: string, payload: object) => (await socket.emitWithAck(event, payload)) as Ack
      expect(await ask('join', { role: 'client', username: 'ana' })).toMatchObject({ ok: true })
      const message = { type: 'text', message: 'x', messageId: 'm1' }
      expect(await ask('clientMessage', message)).toEqual({ ok: true, queued: true, messageId: 'm1' })
      await allowConnections(database, true)
      await untilRows(database, 'SELECT FROM "ChatMessage"', { what: 'the message is stored' })
      socket.disconnect()
    })
    expect(run.stderr).toContain('"event":"started_without_database","code":"connection_rejected"')
  })

  test('so it does while a table is locked, and the log names who holds it', async ({ database }) => {
    await withoutMessages(database)
    const holder = await database.client({ application_name: 'report-job' })
    await holder.query('BEGIN; LOCK TABLE "ChatMessage" IN ACCESS EXCLUSIVE MODE')
    const flags = ['--journal', 'chat.journal', '--database-url', database.url]
    const run = await whileServing(flags, { env: { CHATKEEP_OPERATOR_SECRET: SECRET } }, async (printed) => {
      const socket = await connectTo(portIn(printed))
      const ask = async (event: string, payload: object) => (await socket.emitWithAck(event, payload)) as Ack
      expect(await ask('join', { role: 'client', username: 'ana' })).toMatchObject({ ok: true })
      const message = { type: 'text', message: 'in the lock', messageId: 'm1' }
      expect(await ask('clientMessage', message)).toEqual({ ok: true, queued: true, messageId: 'm1' })
      await holder.query('ROLLBACK')
      const texts = await untilRows(database, 'SELECT "text" FROM "ChatMessage"', { what: 'the message is stored' })
      expect(texts).toEqual([{ text: 'in the lock' }])
      socket.disconnect()
    })
    const started = run.stderr.split('\n').find((line) => line.includes('"event":"started_without_database"'))
    expect(started).toContain('"code":"lock_not_available"')
    expect(started).toMatch(/"reason":"\\"ChatMessage\\" is locked by pid \d+ \(report-job, as /)
    expect(started).toContain('a table is locked, and the database was not checked')
  })

  test('gives a large message more time than its deadline with a journal, also while that is drained', async ({
    database,
  }) => {
    await withoutMessages(database)
    // Slower than the deadline of a small message.
    await database.query(`CREATE FUNCTION "slow"() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF length(NEW."imageUrl") > 1000 THEN PERFORM pg_sleep(2.5); END IF; RETURN NEW; END $$`)
    await database.query('CREATE TRIGGER "slow" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION "slow"()')
    await withProxy(database.url, async (proxy) => {
      const flags = ['--journal', 'chat.journal', '--max-message-bytes', '16MiB', '--database-url', proxy.url]
      await whileServing(flags, {}, async (printed) => {
        const socket = await connectTo(portIn(printed))
        const ask = async (event: string, payload: object) => (await socket.emitWithAck(event, payload)) as Ack
        expect(await ask('join', { role: 'client', username: 'ana' })).toMatchObject({ ok: true })
        const image = imageOf(12 * 1_048_576)
        let sent = 0
        const send = (): Promise<Ack> =>
          ask('clientMessage', { type: 'image', image, messageId: `large ${(sent += 1)}` })
        const untilStored = () =>
          untilRows(database, `SELECT FROM "ChatMessage" HAVING count(*) = ${sent}`, { what: 'each image is stored' })
        // On a busy machine one may be late all the same.
        let answer = await send()
        while ('queued' in answer && sent < 3) {
          await untilStored()
          answer = await send()
        }
        expect(answer).toMatchObject({ ok: true })
        expect(answer).not.toHaveProperty('queued')

        proxy.pointAt('postgres://127.0.0.1:1/crm')
        proxy.cut()
        expect(await send()).toMatchObject({ queued: true })
        proxy.pointAt(database.url)
        await untilStored()
        socket.disconnect()
      })
    })
  })

  test.for([
    [
      'a column is missing',
      'ALTER TABLE "Client" DROP COLUMN "updatedAt"',
      1,
      'there is no column "Client"."updatedAt"',
    ],
    ['guests are kept out', 'ALTER TABLE "ChatMessage" ALTER "clientId" SET NOT NULL', 1, '"clientId" is NOT NULL'],
    ['a column is required', 'ALTER TABLE "ChatMessage" ADD "x" int NOT NULL', 1, '"x" is NOT NULL without default'],
    ['nobody may write', 'ALTER DATABASE :name SET default_transaction_read_only = on', 3, 'the server is read-only'],
  ] as const)('refuses to start where %s, also with a journal', async ([, sql, exitCode, reason], { database }) => {
    await withoutMessages(database)
    await database.load(sql.replace(':name', database.name))
    const run = await runChatkeep(
      ['serve', '--port', '0', '--journal', 'chat.journal', '--database-url', database.url],
      { cwd: folder },
    )
    expect(run).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(reason) as string })
  })

  test('refuses to listen for other servers on a read-only server', async ({ database }) => {
    await withoutMessages(database)
    const direct = new URL(database.url)
    direct.searchParams.set('options', '-cdefault_transaction_read_only=on')
    const env = { CHATKEEP_OPERATOR_SECRET: SECRET, DATABASE_URL: database.url, DIRECT_URL: direct.href }
    const argv = ['serve', '--port', '0', '--adapter', 'postgres', '--journal', 'chat.journal']
    const { exitCode, stdout, stderr } = await runChatkeep(argv, { cwd: folder, env })
    expect([exitCode, stdout, stderr]).toEqual([
      ExitCode.unreachable,
      '',
      expect.stringContaining('error: the server is read-only'),
    ])
  })

  test('says where it listens, serves, and on a signal ends in order and leaves the database', async ({ database }) => {
    await withoutMessages(database)
    const run = await whileServing(['--database-url', database.url], {}, async (printed) => {
      expect(printed).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\/chat\n$/)
      const socket = await connectTo(portIn(printed))
      await socket.emitWithAck('join', { role: 'client', username: 'ana' })
      expect(await socket.emitWithAck('clientMessage', { type: 'text', message: 'hello' })).toMatchObject({ ok: true })
      const sessions = await database.query(
        `SELECT DISTINCT "application_name" FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
      expect(sessions).toContainEqual({ application_name: 'chatkeep serve' })
    })
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^listening on [^\n]*\n$/) as string })
    const lines = run.stderr.trimEnd().split('\n')
    // The tests' own server waits for no disk.
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { level: 'warn', event: 'fsync_off' },
      { level: 'info', event: 'durability' },
      {
        level: 'warn',
        event: 'no_operators',
        text: NO_OPERATORS,
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
      { level: 'info', event: 'stopping' },
    ])
    const sessions = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
    await until(async () => (await database.query(sessions)).length === 0, { what: 'no session is left' })
  })

  test('prints exactly one document with --json, when it listens', async ({ database }) => {
    await withoutMessages(database)
    const run = await whileServing(['--database-url', database.url, '--json'], {}, async (printed) => {
      const { url, ...rest } = JSON.parse(printed) as Record<string, unknown>
      expect(rest).toEqual({ ok: true, command: 'serve' })
      expect(String(url)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/chat$/)
      expect(await joinWith(portIn(printed), '')).toBe('unauthorized')
    })
    expect(run.exitCode).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: true, command: 'serve' })
  })

  test('takes the operator secret from the file, else from the environment, without outer white space', async ({
    database,
  }) => {
    await withoutMessages(database)
    await writeFile(join(folder, 'secret'), `  ${SECRET}\n`, { mode: 0o600 })
    const env = { CHATKEEP_OPERATOR_SECRET: ANOTHER, DATABASE_URL: database.url }
    const fromFile = await whileServing(['--operator-secret-file', 'secret'], { env }, async (printed) => {
      expect(await joinWith(portIn(printed), SECRET)).toBe('ok')
      expect(await joinWith(portIn(printed), ANOTHER)).toBe('unauthorized')
    })
    const fromEnvironment = await whileServing([], { env }, async (printed) => {
      expect(await joinWith(portIn(printed), ANOTHER)).toBe('ok')
      expect(await joinWith(portIn(printed), SECRET)).toBe('unauthorized')
    })
    for (const { exitCode, stdout, stderr } of [fromFile, fromEnvironment]) {
      expect(exitCode).toBe(0)
      expect(stderr).not.toContain(NO_OPERATORS)
      expect(stdout + stderr).not.toMatch(/another long|correct horse/)
    }
  })

  test('lets the pages of the named origins connect, and no others', async ({ database }) => {
    await withoutMessages(database)
    const argv = ['--cors-origin', 'https://a.example', 'https://b.example', '--database-url', database.url]
    await whileServing(argv, {}, async (printed) => {
      const port = portIn(printed)
      for (const origin of ['https://a.example', 'https://b.example']) {
        const socket = await connectTo(port, 'websocket', { origin })
        socket.disconnect()
      }
      await expect(connectTo(port, 'websocket', { origin: 'https://c.example' })).rejects.toThrow()
    })
  })

  test('lets clients connect under its public name, and under no other', async ({ database }) => {
    await withoutMessages(database)
    await whileServing(['--public-host', 'chat.example', '--database-url', database.url], {}, async (printed) => {
      const port = portIn(printed)
      const socket = await connectTo(port, 'websocket', { host: 'chat.example' })
      socket.disconnect()
      await expect(connectTo(port, 'websocket', { host: 'other.example' })).rejects.toThrow()
    })
  })

  test('refuses a journal in a folder that does not exist, by the name that was given', async ({ database }) => {
    await withoutMessages(database)
    const argv = ['serve', '--journal', 'none/chat.journal', '--database-url', database.url]
    const { exitCode, stderr } = await runChatkeep(argv, { cwd: folder })
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/the journal \S*none\/chat\.journal cannot be created: no such file or folder\n/)
  })

  test('refuses a secret file that is missing, a folder or empty, and a blank variable', async ({ database }) => {
    await writeFile(join(folder, 'empty'), ' \n', { mode: 0o600 })
    const cases = [
      { argv: ['--operator-secret-file', 'missing'], env: {}, reason: /missing cannot be read: no such file/ },
      { argv: ['--operator-secret-file', 'empty'], env: {}, reason: /empty is empty/ },
      { argv: [], env: { CHATKEEP_OPERATOR_SECRET: ' ' }, reason: /CHATKEEP_OPERATOR_SECRET is empty/ },
      { argv: [], env: { CHATKEEP_OPERATOR_SECRET: `${SECRET}\n${SECRET}` }, reason: /more than one line/ },
    ]
    for (const { argv, env, reason } of cases) {
      const run = await runChatkeep(['serve', ...argv, '--database-url', database.url], { cwd: folder, env })
      expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(reason) as string })
      expect(run.stderr).toContain('hint: ')
    }
  })

  test('refuses a secret that can be guessed, and a file that others may read or that is no file', async ({
    database,
  }) => {
    await withoutMessages(database)
    await writeFile(join(folder, 'short'), 'fifteen letters', { mode: 0o600 })
    await writeFile(join(folder, 'open'), SECRET, { mode: 0o644 })
    const start = (argv: readonly string[], env = {}) =>
      runChatkeep(['serve', '--port', '0', ...argv, '--database-url', database.url], { cwd: folder, env })
    const weak = 'no usable operator secret: it has 15 of at least 16 characters'
    expect((await start(['--operator-secret-file', 'short'])).stderr).toContain(weak)
    expect((await start([], { CHATKEEP_OPERATOR_SECRET: 'fifteen letters' })).stderr).toContain(weak)
    const open = await start(['--operator-secret-file', 'open'])
    expect(open).toMatchObject({ exitCode: ExitCode.refused, stdout: '' })
    expect(open.stderr).toMatch(/open may be read by other users, so it is not used\n.*hint: chmod 600/s)
    expect((await start(['--operator-secret-file', '.'])).stderr).toContain('is not a regular file')
  })

  test('refuses a database that was not migrated, and says what to type', async ({ database }) => {
    const run = await runChatkeep(['serve', '--port', '0', '--database-url', database.url])
    expect(run).toMatchObject({ exitCode: 1, stdout: '' })
    expect(run.stderr).toContain('or: chatkeep migrate')
    const json = await runChatkeep(['serve', '--port', '0', '--json', '--database-url', database.url])
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code: 'schema_not_ready' } })
  })

  test('says at once which database it cannot reach', async () => {
    const start = performance.now()
    const run = await runChatkeep(['serve', '--port', '0', '--database-url', 'postgres://me:hush@127.0.0.1:1/crm'])
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(run).toMatchObject({ exitCode: 3, stdout: '' })
    expect(run.stderr).toContain('crm on 127.0.0.1:1 as me')
    expect(run.stderr).not.toContain('hush')
  })

  test('says which address it cannot have', async ({ database }) => {
    await withoutMessages(database)
    const { server, port } = await occupyPort()
    try {
      const taken = await runChatkeep(['serve', '--port', String(port), '--database-url', database.url])
      expect(taken).toMatchObject({ exitCode: 4, stdout: '' })
      expect(taken.stderr).toContain(`cannot listen on 127.0.0.1:${port}: the address is in use`)
      const foreign = await runChatkeep(['serve', '--host', '192.0.2.1', '--database-url', database.url])
      expect(foreign).toMatchObject({ exitCode: 2, stdout: '' })
      expect(foreign.stderr).toContain('cannot listen on 192.0.2.1:3001: this machine has no such address')
    } finally {
      server.close()
    }
  })

  test('refuses contradictory flags, and has no flag for the secret itself', async () => {
    for (const argv of [
      ['--port', '70000'],
      ['--port', 'x'],
      ['--host', ''],
      ['--cors-origin', 'shop.example'],
      ['--cors-origin', 'https://shop.example/path'],
      ['--cors-origin', 'https://shop.*'],
      ['--public-host', 'chat.example/path'],
      ['--operator-secret', 'x'],
      ['--journal', ''],
      ['--journal-max-bytes', '256XB'],
    ]) {
      const run = await runChatkeep(['serve', ...argv])
      expect(run).toMatchObject({ exitCode: 2, stdout: '' })
      expect(run.stderr).toContain(`option '${argv[0]}`)
    }
  })

  test('can be called off while the database does not answer', async () => {
    const { server, port } = await occupyPort()
    const interruption = new AbortController()
    const connection = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const url = `postgres://me@127.0.0.1:${port}/crm?connect_timeout=60&sslmode=disable`
    const run = runChatkeep(['serve', '--database-url', url], { signal: interruption.signal })
    const silent = await connection
    interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: ExitCode.interrupted }))
    expect(await run).toEqual({ exitCode: 130, stdout: '', stderr: 'error: ended by SIGINT\n' })
    silent.destroy()
    server.close()
  })
})

/** A server that accepts and says nothing. */
const occupyPort = (): Promise<{ readonly server: Server; readonly port: number }> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
