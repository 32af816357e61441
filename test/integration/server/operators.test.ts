import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { createChatLog } from '../../../src/server/log.js'
import type { AuthenticateOperator } from '../../../src/server/operators/ask-application.js'
import { addOperator } from '../../../src/server/operators/add-operator.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { afterEach, beforeEach, describe, expect, test, vi } from '../../support/database.js'
import {
  expectOk,
  SECRET,
  withChat,
  withoutMessages,
  type Ack,
  type Peer,
  type TestChat,
} from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const UNAUTHORIZED = { ok: false, error: { code: 'unauthorized', retryable: false } }

let folder = ''
let file = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-operators-'))
  file = join(folder, 'operators')
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

interface Joined extends Peer {
  readonly answer: Ack
}

const joinWith = async (chat: TestChat, token: unknown, claim: object = {}): Promise<Joined> => {
  const peer = await chat.connect()
  return {
    ...peer,
    answer: await peer.ask('join', { role: 'operator', name: 'Claimed', operatorId: 3, ...claim, token }),
  }
}

/** Who is connected, as an operator sees it. */
const connected = async (peer: Peer): Promise<unknown> => {
  const count = peer.all('connectedOperatorsList').length
  expectOk(await peer.ask('getConnectedOperators', {}))
  await peer.next('connectedOperatorsList', count + 1)
  return peer.all('connectedOperatorsList').at(-1)
}

/** Replaces the file as an editor does. */
const replaceFile = async (text: string): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Lets the intervals of the server pass, as often as needed. */
const whilePassing = async (condition: () => boolean, what: string): Promise<boolean> =>
  until(
    () => {
      vi.advanceTimersByTime(60_000)
      return condition()
    },
    { what },
  )

describe('an operator of the file', () => {
  test('joins under the name and id of the file, whatever the client claims', async ({ database }) => {
    await withoutMessages(database)
    const ana = await addOperator({ file, name: 'Ana Gil', operatorId: 1 })
    const zoe = await addOperator({ file, name: 'Zoe', operatorId: null })
    await withChat(database, { operatorsFile: file, operatorSecret: undefined }, async (chat) => {
      const peer = await joinWith(chat, ana)
      expectOk(peer.answer)
      const other = await joinWith(chat, zoe)
      expectOk(other.answer)
      expect(await connected(other)).toEqual([
        { operatorId: 1, name: 'Ana Gil' },
        { operatorId: null, name: 'Zoe' },
      ])
      const guest = await chat.guest('guest')
      const message = { to: guest.clientId, type: 'text', message: 'hi', operatorId: 2, operatorName: 'Claimed' }
      expectOk(await peer.ask('operatorMessage', message))
      expect(await guest.next('operatorMessage')).toMatchObject({ operatorName: 'Ana Gil' })
      expect(await database.query('SELECT "operatorId" FROM "ChatMessage"')).toEqual([{ operatorId: 1 }])
      // A known key, an unknown one and no token are refused alike.
      for (const token of [`${ana.slice(0, 9)}${zoe.slice(9)}`, `${'x'.repeat(8)}${ana.slice(8)}`, SECRET, undefined])
        expect((await joinWith(chat, token)).answer).toMatchObject(UNAUTHORIZED)
      expect(chat.log.join()).not.toContain(ana.slice(9))
    })
  })

  test('does not end the shared secret, whose owners name themselves', async ({ database }) => {
    await withoutMessages(database)
    const ana = await addOperator({ file, name: 'Ana', operatorId: 1 })
    await withChat(database, { operatorsFile: file }, async (chat) => {
      expectOk((await joinWith(chat, ana)).answer)
      const shared = await joinWith(chat, SECRET)
      expectOk(shared.answer)
      expect(await connected(shared)).toEqual([
        { operatorId: 1, name: 'Ana' },
        { operatorId: 3, name: 'Claimed' },
      ])
    })
  })

  test('is disconnected when taken out of the file or changed, the others stay', async ({ database }) => {
    await withoutMessages(database)
    const tokens: string[] = []
    for (const name of ['Ana', 'Bo', 'Cleo']) tokens.push(await addOperator({ file, name, operatorId: null }))
    const [ana, bo, cleo] = tokens
    const [header, key, , second = '', third] = (await readFile(file, 'utf8')).split('\n')
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await withChat(database, { operatorsFile: file }, async (chat) => {
      const removed = await joinWith(chat, ana)
      const renamed = await joinWith(chat, bo)
      const stays = await joinWith(chat, cleo)
      const shared = await joinWith(chat, SECRET)
      await replaceFile([header, key, second.replace('Bo', 'Bob'), third, ''].join('\n'))
      await whilePassing(() => !removed.socket.connected && !renamed.socket.connected, 'both are disconnected')
      for (const one of [removed, renamed]) {
        expect(await one.disconnected()).toBe('io server disconnect')
        const message = 'this operator was removed or changed; join again with a valid token'
        expect(one.all('refused')).toEqual([{ code: 'unauthorized', message, retryable: false }])
      }
      expect((await joinWith(chat, ana)).answer).toMatchObject(UNAUTHORIZED)
      expectOk((await joinWith(chat, bo)).answer)
      expect(await connected(shared)).toEqual([
        { operatorId: null, name: 'Cleo' },
        { operatorId: 3, name: 'Claimed' },
        { operatorId: null, name: 'Bob' },
      ])
      expectOk(await stays.ask('recentChats', {}))
    })
  })

  test('stays while a new version of the file cannot be used, which is logged', async ({ database }) => {
    await withoutMessages(database)
    const ana = await addOperator({ file, name: 'Ana', operatorId: null })
    const [hash = ''] = /(?<=sha256:)\S+/.exec(await readFile(file, 'utf8')) ?? []
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await withChat(database, { operatorsFile: file }, async (chat) => {
      const peer = await joinWith(chat, ana)
      const errors = () => chat.log.filter((line) => line.includes('"operators_not_read"'))
      for (const [index, breaks] of [
        () => replaceFile(`key-0001 sha256:${hash}x 1 Ana\nnonsense\n`),
        () => chmod(file, 0o644),
        () => rm(file),
      ].entries()) {
        await breaks()
        await whilePassing(() => errors().length > index, 'the error is logged')
        expectOk(await peer.ask('recentChats', {}))
        expectOk((await joinWith(chat, ana)).answer)
      }
      expect(errors()[0]).toContain('line 1: the hash must be sha256: and 43 characters; line 2: expected a key')
      expect(errors().join()).not.toContain(hash)
      await replaceFile('')
      await whilePassing(() => !peer.socket.connected, 'an empty file has nobody')
    })
  })

  test('whose file is open to others, broken or missing, lets no server start', async ({ database }) => {
    await withoutMessages(database)
    const start = () =>
      runChatkeep(['serve', '--port', '0', '--operators', 'operators', '--database-url', database.url], { cwd: folder })
    expect((await start()).stderr).toMatch(/no usable operators: \S*operators cannot be read: no such file/)
    await writeFile(file, 'key hushhash 1 Ana\n', { mode: 0o644 })
    expect((await start()).stderr).toContain('may be read by other users, so it is not used')
    await chmod(file, 0o600)
    const broken = await start()
    expect(broken).toMatchObject({ exitCode: 2, stdout: '' })
    expect(broken.stderr).toContain('line 1: the key must have 8 letters')
    expect(broken.stderr).not.toContain('hushhash')
    const many = ['--adapter', 'postgres', '--operators', 'operators', '--database-url', database.url]
    const env = { CHATKEEP_OPERATOR_SECRET: SECRET }
    expect((await runChatkeep(['serve', '--port', '0', ...many], { cwd: folder, env })).exitCode).toBe(2)
    const left = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'chatkeep serve%' AND datname = current_database()`
    await until(async () => (await database.query(left)).length === 0, { what: 'no session of a server is left' })
  })
})

describe('serve --add-operator', () => {
  const add = (...argv: readonly string[]) => runChatkeep(['serve', ...argv], { cwd: folder })

  test('prints a token once, and keeps its hash in a private file', async ({ database }) => {
    const first = await add('--operators', 'operators', '--add-operator', 'Ana Gil', '--operator-id', '1')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toMatch(/^[\w-]{8}\.[\w-]{32}\n$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    // An editor may leave no line feed at the end.
    await writeFile(file, (await readFile(file, 'utf8')).trimEnd())
    const second = await add('--operators', 'operators', '--add-operator', 'Zoe', '--json')
    const { token, ...rest } = JSON.parse(second.stdout) as Record<string, unknown>
    expect(rest).toEqual({ ok: true, command: 'serve' })
    const text = await readFile(file, 'utf8')
    expect(text).toMatch(
      /^# chatkeep operators: [^\n]*\nposition-key [\w-]{43}\n[\w-]{8} sha256:[\w-]{43} 1 Ana Gil\n[\w-]{8} sha256:[\w-]{43} - Zoe\n$/,
    )
    expect(text).not.toContain(first.stdout.trim().slice(9))
    await withoutMessages(database)
    await withChat(database, { operatorsFile: file }, async (chat) => {
      expectOk((await joinWith(chat, token)).answer)
      expectOk((await joinWith(chat, first.stdout.trim())).answer)
    })
  })

  test('refuses what a line cannot hold, lone flags, and a file of others', async () => {
    for (const name of ['', ' ', 'a\nb', 'a\u001bb', 'x'.repeat(256)]) {
      const run = await add('--operators', 'operators', '--add-operator', name)
      expect(run).toMatchObject({ exitCode: 2, stdout: '' })
    }
    expect((await add('--add-operator', 'Ana')).stderr).toContain('--add-operator needs --operators FILE')
    expect((await add('--operator-id', '1')).stderr).toContain('--operator-id needs --add-operator NAME')
    await expect(stat(file)).rejects.toThrow()
    await writeFile(file, '', { mode: 0o644 })
    expect((await add('--operators', 'operators', '--add-operator', 'Ana')).stderr).toContain(
      'may be read by other users',
    )
    expect(await readFile(file, 'utf8')).toBe('')
  })
})

describe("an operator of the application's own sessions", () => {
  const asking = (authenticateOperator: AuthenticateOperator) => ({ authenticateOperator, operatorSecret: undefined })

  test('joins as the application says, and what is sent meanwhile waits', async ({ database }) => {
    await withoutMessages(database)
    const asked: unknown[] = []
    const options = asking((token, { address, headers }) => {
      asked.push([token, address, headers.cookie])
      return Promise.resolve(token === 'session 1' ? { name: ' Ana ', operatorId: 1 } : undefined)
    })
    await withChat(database, options, async (chat) => {
      const peer = await chat.connect('polling', { cookie: 'sid=1' })
      const join = peer.ask('join', { role: 'operator', name: 'Claimed', operatorId: 2, token: 'session 1' })
      const chats = peer.ask('recentChats', {})
      expectOk(await join)
      expectOk(await chats)
      expect(await connected(peer)).toEqual([{ operatorId: 1, name: 'Ana' }])
      expect((await joinWith(chat, 7)).answer).toMatchObject(UNAUTHORIZED)
      expect(asked).toEqual([
        ['session 1', '127.0.0.1', 'sid=1'],
        [undefined, '127.0.0.1', undefined],
      ])
    })
  })

  test('who is refused does nothing else, and the wait of guesses counts for joins at the same time', async ({
    database,
  }) => {
    await withoutMessages(database)
    let asked = 0
    const options = asking(() => {
      asked += 1
      return Promise.resolve(undefined)
    })
    await withChat(database, options, async (chat) => {
      const peer = await chat.connect('polling')
      const wrong = peer.ask('join', { role: 'operator', name: 'M', token: 'x' })
      const others = ['recentChats', 'join', 'getConnectedOperators'].map((event) =>
        peer.ask(event, { role: 'client', username: 'm' }).catch(() => 'dropped'),
      )
      expect(await wrong).toMatchObject(UNAUTHORIZED)
      expect(await Promise.all(others)).toEqual(['dropped', 'dropped', 'dropped'])
      const answers = await Promise.all(Array.from({ length: 20 }, () => joinWith(chat, 'x')))
      const codes = answers.map(({ answer }) => answer.error?.code)
      expect(codes.filter((code) => code === 'unauthorized')).toHaveLength(4)
      expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(16)
      expect(asked).toBe(5)
    })
  })

  test('is refused for the moment when the application fails, answers nonsense or does not answer', async ({
    database,
  }) => {
    await withoutMessages(database)
    const failing: AuthenticateOperator[] = [
      () => Promise.reject(new Error('hush: session store is down')),
      () => {
        throw new TypeError('hush')
      },
      () => Promise.resolve({ name: '' }),
      () => new Promise(() => undefined),
    ]
    for (const fails of failing) {
      await withChat(database, asking(fails), async (chat) => {
        const { answer, disconnected } = await joinWith(chat, 'session')
        expect(answer).toMatchObject({ ok: false, error: { code: 'operators_unchecked', retryable: true } })
        await disconnected()
        expect(chat.log.join()).toContain('"event":"operators_unchecked"')
        expect(chat.log.join()).not.toContain('hush')
        expect(chat.log.join()).not.toContain('operator_refused')
        expectOk(await (await chat.connect()).ask('join', { role: 'client', username: 'ana' }))
      })
    }
  })

  test('who has left when the answer comes is not shown as connected', async ({ database }) => {
    await withoutMessages(database)
    let answer: ((identity: { name: string }) => void) | undefined
    const lines: string[] = []
    const options = {
      log: createChatLog({ level: 'debug', format: 'json', output: { write: (line) => lines.push(line) } }),
      authenticateOperator: () => new Promise<{ name: string }>((resolve) => (answer = resolve)),
    }
    await withChat(database, options, async (chat) => {
      const shared = await joinWith(chat, SECRET)
      const peer = await chat.connect()
      peer.socket.emit('join', { role: 'operator', name: 'Ana', token: 'session' })
      peer.socket.emit('join', { role: 'client', username: 'ana' })
      await until(() => answer !== undefined, { what: 'the application is asked' })
      peer.socket.disconnect()
      await until(() => lines.some((line) => line.includes('"disconnected"')), { what: 'the server has seen it' })
      answer?.({ name: 'Ana' })
      expect(await connected(shared)).toEqual([{ operatorId: 3, name: 'Claimed' }])
      expect(shared.all('newChat')).toEqual([])
    })
  })
})

describe('"User"."isActive"', () => {
  test('refuses an inactive operator, and disconnects one who becomes inactive', async ({ database }) => {
    await withoutMessages(database)
    await database.query('UPDATE "User" SET "isActive" = false WHERE "id" = 2')
    const named = await addOperator({ file, name: 'Bo', operatorId: 2 })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await withChat(database, { operatorsFile: file }, async (chat) => {
      for (const refused of [await joinWith(chat, SECRET, { operatorId: 2 }), await joinWith(chat, named)]) {
        expect(refused.answer.error).toEqual({
          code: 'unauthorized',
          message: 'this operator is not active',
          retryable: false,
        })
        await refused.disconnected()
      }
      const lucia = await joinWith(chat, SECRET, { operatorId: 1 })
      const other = await joinWith(chat, SECRET, { operatorId: 3 })
      const nobody = await joinWith(chat, SECRET, { operatorId: null })
      const unknown = await joinWith(chat, SECRET, { operatorId: 4_711 })
      await database.query('UPDATE "User" SET "isActive" = false WHERE "id" = 1')
      await whilePassing(() => !lucia.socket.connected, 'the inactive operator is disconnected')
      expect(lucia.all('refused')).toEqual([
        { code: 'unauthorized', message: 'this operator is not active', retryable: false },
      ])
      for (const one of [other, nobody, unknown]) expectOk(await one.ask('recentChats', {}))
      // Not a wrong secret.
      expect(chat.log.join()).not.toContain('operator_refused')
    })
  })

  test('is not asked for without connected operators, and trouble of the database disconnects nobody', async ({
    database,
  }) => {
    await withoutMessages(database)
    const stored = createChatStore({ databaseUrl: database.url }, { deadlineMs: 0 })
    let asked = 0
    const store: typeof stored = {
      ...stored,
      getInactiveOperators: (ids) => {
        asked += 1
        return stored.getInactiveOperators(ids)
      },
    }
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await withChat(database, { store }, async (chat) => {
      vi.advanceTimersByTime(600_000)
      expect(asked).toBe(0)
      const lucia = await joinWith(chat, SECRET, { operatorId: 1 })
      expect(asked).toBe(1)
      await database.query('ALTER TABLE "User" RENAME TO "Gone"')
      await database.query('CREATE VIEW "User" AS SELECT 1 AS "id", 1 / (random() * 0)::int > 0 AS "isActive"')
      await whilePassing(() => chat.log.join().includes('activity_unknown'), 'the trouble is logged')
      expectOk(await lucia.ask('getConnectedOperators', {}))
      expectOk((await joinWith(chat, SECRET, { operatorId: 1 })).answer)
    })
  })

  test('is not read where the column is missing, or not for this role', async ({ database }) => {
    await withoutMessages(database)
    await database.query('UPDATE "User" SET "isActive" = false WHERE "id" <= 2')
    const store = createChatStore({ databaseUrl: database.url })
    try {
      expect(await store.getInactiveOperators([1, 2, 3, 99])).toEqual([1, 2])
      await database.query('ALTER TABLE "User" ALTER COLUMN "id" TYPE bigint')
      expect(await store.getInactiveOperators([1, 3])).toEqual([1])
      const denied = createChatStore({ databaseUrl: `${database.url}&options=-c%20role%3Dpg_monitor` })
      expect(await denied.getInactiveOperators([1])).toEqual([])
      await denied.close()
      await database.query('ALTER TABLE "User" DROP COLUMN "isActive"')
      expect(await store.getInactiveOperators([1])).toEqual([])
    } finally {
      await store.close()
    }
  })
})
