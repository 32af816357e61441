import { existsSync } from 'node:fs'
import { appendFile, copyFile, readFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import type { ChatServerOptions } from '../../../src/server/chat-server.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { withProxy, type CuttableProxy, type Tap } from '../../support/cuttable-proxy.js'
import { afterEach, beforeEach, describe, expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withChat, withoutMessages, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

/** A conversation that no guest has begun. */
const NOBODY = 'nobody'

const NOWHERE = 'postgres://127.0.0.1:1/crm'
const text = (message: string, messageId = message) => ({ type: 'text', message, messageId })
/** Long enough for a busy machine, so that nothing is queued that need not be. */
const DEADLINE_MS = 1_000
const QUEUED = { ok: true, queued: true }

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-journal-'))
})
afterEach(() => rm(folder, { recursive: true }))

const journalPath = (): string => join(folder, 'chat.journal')

/** Lines of the journal after its header. */
const linesOf = async (): Promise<readonly Record<string, unknown>[]> =>
  (await readFile(journalPath(), 'utf8'))
    .split('\n')
    .slice(1, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

interface Outage extends TestChat {
  readonly proxy: CuttableProxy
  readonly away: () => void
  readonly back: () => void
}

/** A chat with a journal, whose way to the database can be closed and opened. */
const withOutage = (
  database: TestDatabase,
  work: (chat: Outage) => Promise<void>,
  options: Partial<ChatServerOptions> = {},
): Promise<void> =>
  withProxy(database.url, (proxy) => {
    const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs: DEADLINE_MS })
    const away = (): void => {
      proxy.pointAt(NOWHERE)
      proxy.cut()
    }
    return withChat(database, { store, journal: { path: journalPath() }, ...options }, (chat) =>
      work({ ...chat, proxy, away, back: () => proxy.pointAt(database.url) }),
    )
  })

/** A trigger that, for some messages, writes to a table that is missing. */
const breakTrigger = (database: TestDatabase, name: string, condition: string) =>
  database.load(`
    CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF ${condition} THEN INSERT INTO public.notes VALUES ('new'); END IF; RETURN NEW; END $$;
    CREATE TRIGGER note BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION ${name}()`)

const stored = (database: TestDatabase): Promise<Record<string, unknown>[]> =>
  database.query('SELECT "text", "guestUsername", "senderType" FROM "ChatMessage" ORDER BY "id"')

const untilReadyz = ({ server }: TestChat, status: number, body: object): Promise<void> =>
  until(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${server.port}/readyz`)
      expect({ status: answer.status, body: await answer.json() }).toEqual({ status, body })
    },
    { what: `${status} from /readyz` },
  )

const untilDrained = async ({ log }: TestChat, times = 1): Promise<void> => {
  await until(() => log.filter((line) => line.includes('"event":"journal_drained"')).length === times, {
    what: `the journal is drained (${times})`,
  })
}

describe('while the database is unavailable, a server with a journal', () => {
  test('queues what comes, and stores and announces it once, in order, when the database is back', async ({
    database,
  }) => {
    await withoutMessages(database)
    await withOutage(database, async (chat) => {
      const lucia = await chat.operator('Lucía', 1)
      const pablo = await chat.operator('Pablo', 2)
      const [ana, ben] = [await chat.guest('ana'), await chat.guest('ben')]
      expectOk(await ben.ask('clientMessage', text('b0')))
      ben.socket.disconnect()
      expectOk(await ana.ask('clientMessage', text('a0')))

      chat.away()
      const before = Date.now()
      expect(await ana.ask('clientMessage', text('a1'))).toEqual({ ...QUEUED, messageId: 'a1' })
      const after = Date.now()
      expect(await ana.next('messageQueued')).toEqual({
        messageId: 'a1',
        clientId: ana.clientId,
        reason: 'database_unavailable',
      })
      // From the second message on none waits for the deadline of the store; these two would wait twice.
      for (const next of ['a2', 'a3']) expect(await ana.ask('clientMessage', text(next))).toMatchObject(QUEUED)
      expect(Date.now() - after).toBeLessThan(2 * DEADLINE_MS)
      for (const to of [ana.clientId, ben.clientId]) {
        expect(await lucia.ask('operatorMessage', { to, ...text(`to ${to}`) })).toMatchObject(QUEUED)
      }
      expect(
        await ana.ask('clientMessage', {
          type: 'image',
          image: 'data:image/png;base64,AAAA',
          size: 3,
          messageId: 'a4',
        }),
      ).toMatchObject(QUEUED)
      // The same again is the same; another body under the same key is refused at once, as is what can never be kept.
      expect(await ana.ask('clientMessage', text('a2'))).toMatchObject(QUEUED)
      expect(await ana.ask('clientMessage', text('other', 'a2'))).toMatchObject({
        error: { code: 'idempotency_conflict', retryable: false },
      })
      expect(await ana.ask('clientMessage', text('', 'empty'))).toMatchObject({ error: { code: 'invalid_message' } })
      expect(await lucia.ask('operatorMessage', { to: NOBODY, ...text('lost') })).toMatchObject(QUEUED)
      expect(await linesOf()).toHaveLength(7)
      expect((await stat(journalPath())).mode & 0o777).toBe(0o600)
      expect(lucia.all('incomingMessage')).toHaveLength(2)
      expect(ana.all('operatorMessage')).toHaveLength(0)

      chat.back()
      await untilDrained(chat)
      expect((await stored(database)).map((row) => row.text)).toEqual(
        expect.arrayContaining(['b0', 'a0', 'a1', 'a2', 'a3', `to ${ana.clientId}`, `to ${ben.clientId}`, null]),
      )
      const ofAna = await database.query(
        `SELECT "text", "createdAt" AT TIME ZONE 'UTC' AS "at" FROM "ChatMessage" WHERE "sessionId" = $1 ORDER BY "id"`,
        [ana.clientId],
      )
      expect(ofAna.map((row) => row.text)).toEqual(['a0', 'a1', 'a2', 'a3', `to ${ana.clientId}`, null])
      // When it came, not when it was stored.
      expect(Number(ofAna[1]?.at)).toBeGreaterThanOrEqual(before - 5)
      expect(Number(ofAna[1]?.at)).toBeLessThan(after)
      // Ben had gone: his name was found by his conversation.
      expect(await stored(database)).toContainEqual({
        text: `to ${ben.clientId}`,
        guestUsername: 'ben',
        senderType: 'OPERATOR',
      })

      await until(() => ana.all('messageSent').length === 5, { what: 'five messages are confirmed' })
      expect(ana.all('messageSent')[1]).toMatchObject({ messageId: 'a1', clientId: ana.clientId, queued: false })
      const incoming = lucia.all('incomingMessage') as { message?: string; size?: number }[]
      expect(incoming.slice(2).map((one) => one.message ?? one.size)).toEqual(['a1', 'a2', 'a3', 3])
      expect(ana.all('operatorMessage')).toMatchObject([{ message: `to ${ana.clientId}`, operatorName: 'Lucía' }])
      expect(pablo.all('operatorBroadcast')).toHaveLength(2)
      expect(lucia.all('operatorBroadcast')).toHaveLength(0)
      expect(lucia.all('messageSent')).toHaveLength(2)

      // What the database will never take is neither lost nor in the way.
      const rejected = JSON.parse(await readFile(`${journalPath()}.rejected`, 'utf8')) as Record<string, unknown>
      expect(rejected).toMatchObject({ code: 'unknown_conversation', entry: { messageId: 'lost' } })
      expect(await linesOf()).toEqual([])
      expect(await ana.ask('clientMessage', text('a5'))).toMatchObject({ ok: true, duplicate: false })
      expect(await ana.ask('clientMessage', text('a1'))).toMatchObject({ ok: true, duplicate: true })
      expect(chat.log.join()).not.toMatch(/a1|ana\b|Lucía/)
    })
  })

  test('hands over to direct saves while many go on writing, without reordering anybody', async ({ database }) => {
    await withoutMessages(database)
    await withOutage(database, async (chat) => {
      const guests = await Promise.all(Array.from({ length: 8 }, (_, index) => chat.guest(`guest ${index}`)))
      let isOver = false
      const write = async (guest: (typeof guests)[number]): Promise<number> => {
        let number = 0
        while (!isOver || number < 5) {
          number += 1
          const ack = await guest.ask('clientMessage', text(String(number)))
          expect(ack.ok, JSON.stringify(ack)).toBe(true)
        }
        return number
      }
      const writing = guests.map(write)
      for (let round = 1; round <= 2; round += 1) {
        chat.away()
        await until(async () => (await linesOf()).length > 100, { what: 'more than 100 lines in the journal' })
        chat.back()
        await untilDrained(chat, round)
      }
      isOver = true
      const counts = await Promise.all(writing)
      for (const [index, count] of counts.entries()) {
        const rows = await database.query(
          'SELECT "text", "createdAt" FROM "ChatMessage" WHERE "guestUsername" = $1 ORDER BY "id"',
          [`guest ${index}`],
        )
        const expected = Array.from({ length: count }, (_, number) => String(number + 1))
        expect(rows.map((row) => row.text)).toEqual(expected)
        const times = rows.map((row) => Number(row.createdAt))
        expect(times).toEqual(times.toSorted((one, other) => one - other))
      }
    })
  })

  test('broadcasts a message once when its first attempt was stored without an answer', async ({ database }) => {
    await withoutMessages(database)
    let isCutting = false
    const makeTap = (): Tap => {
      let isInsert = false
      return {
        fromClient: (bytes) => {
          isInsert = isCutting && bytes.includes('unknown outcome')
          return 'pass'
        },
        // The server commits before it answers.
        fromServer: () => (isInsert ? 'drop, and cut' : 'pass'),
      }
    }
    await withProxy(
      database.url,
      async (proxy) => {
        const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs: 0 })
        await withChat(database, { store, journal: { path: journalPath() } }, async (chat) => {
          const lucia = await chat.operator('Lucía', 1)
          const ana = await chat.guest('ana')
          expectOk(await ana.ask('clientMessage', text('before')))
          isCutting = true
          expect(await ana.ask('clientMessage', text('unknown outcome'))).toMatchObject(QUEUED)
          await until(async () => (await stored(database)).length === 2, { what: 'two messages are stored' })
          isCutting = false
          await untilDrained(chat)
          expect(await stored(database)).toHaveLength(2)
          expect(lucia.all('incomingMessage')).toMatchObject([{ message: 'before' }, { message: 'unknown outcome' }])
          expect(await ana.next('messageSent', 2)).toMatchObject({ messageId: 'unknown outcome' })
          expect(chat.log.at(-1)).toContain('"stored":1,"duplicates":0')
        })
      },
      makeTap,
    )
  })

  test('keeps the order of history when a first attempt is stored late', async ({ database }) => {
    await withoutMessages(database)
    await withOutage(database, async (chat) => {
      const ana = await chat.guest('ana')
      expectOk(await ana.ask('clientMessage', text('a0')))
      chat.away()
      for (const next of ['a1', 'a2', 'a3']) expect(await ana.ask('clientMessage', text(next))).toMatchObject(QUEUED)
      const journal = join(folder, 'copy.journal')
      await copyFile(journalPath(), journal)
      // What a frozen database does at its thaw with the attempt that nobody waits for any more.
      const late = await database.query(
        `INSERT INTO "ChatMessage" ("idempotencyKey", "clientId", "guestUsername", "senderType", "messageType", "text", "sessionId")
        SELECT $1, "clientId", "guestUsername", "senderType", "messageType", 'a1', "sessionId" FROM "ChatMessage"
        RETURNING 1`,
        [(await linesOf()).map((line) => (line.message as { idempotencyKey: string }).idempotencyKey)[0]],
      )
      expect(late).toHaveLength(1)
      const history = async () =>
        (await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "createdAt", "id"')).map(({ text }) => text)

      const run = await runChatkeep(['replay', journal, '--database-url', database.url])
      expect(run.exitCode, run.stdout + run.stderr).toBe(0)
      expect(await history()).toEqual(['a0', 'a1', 'a2', 'a3'])

      await database.query(`DELETE FROM "ChatMessage" WHERE "text" IN ('a2', 'a3')`)
      chat.back()
      await untilDrained(chat)
      expect(await history()).toEqual(['a0', 'a1', 'a2', 'a3'])
    })
  })

  test.for([
    ['the application', 'public.note'],
    ['chatkeep', 'chatkeep.capture'],
  ])('keeps what a trigger of %s that does not work refuses, until it works again', async ([, name], { database }) => {
    await withoutMessages(database)
    await breakTrigger(database, String(name), 'true')
    await withOutage(database, async (chat) => {
      const [ana, ben] = [await chat.guest('ana'), await chat.guest('ben')]
      expect(await ana.ask('clientMessage', text('a1'))).toMatchObject(QUEUED)
      expect(await ana.next('messageQueued')).toMatchObject({ reason: 'database_refused' })
      for (const next of ['a2', 'a3']) expect(await ana.ask('clientMessage', text(next))).toMatchObject(QUEUED)
      expect(await ben.ask('clientMessage', text('b1'))).toMatchObject(QUEUED)
      await until(() => chat.log.some((line) => line.includes('"event":"journal_not_drained"')), {
        what: 'the drain has tried',
      })
      await database.load('CREATE TABLE public.notes (note text)')
      await untilDrained(chat)
      expect((await stored(database)).map((row) => row.text).toSorted()).toEqual(['a1', 'a2', 'a3', 'b1'])
      expect(existsSync(`${journalPath()}.rejected`)).toBe(false)
    })
  })

  test('goes on behind a message that alone makes a trigger fail, and rejects it when others are stored', async ({
    database,
  }) => {
    await withoutMessages(database)
    await breakTrigger(database, 'public.note', `NEW."text" = 'a1'`)
    await withOutage(database, async (chat) => {
      const [ana, ben] = [await chat.guest('ana'), await chat.guest('ben')]
      for (const next of ['a1', 'a2']) expect(await ana.ask('clientMessage', text(next))).toMatchObject(QUEUED)
      await until(() => chat.log.some((line) => line.includes('"event":"journal_not_drained"')), {
        what: 'the drain has tried',
      })
      expect(await stored(database)).toEqual([])
      expect(await ben.ask('clientMessage', text('b1'))).toMatchObject(QUEUED)
      await untilDrained(chat)
      expect((await stored(database)).map((row) => row.text).toSorted()).toEqual(['a2', 'b1'])
      const rejected = JSON.parse(await readFile(`${journalPath()}.rejected`, 'utf8')) as Record<string, unknown>
      expect(rejected).toMatchObject({ code: 'database_refused', entry: { messageId: 'a1' } })
      expectOk(await ana.ask('clientMessage', text('a3')))
    })

    // The file holds the message as it was queued: once the trigger works, it is stored as such, once.
    const file = `${journalPath()}.rejected`
    const replay = (...argv: string[]) =>
      runChatkeep(['replay', file, '--json', ...argv, '--database-url', database.url])
    const damage = `{"type":"rejected","at":"2026-11-28T23:00:00Z","code":"journal_damaged","reason":"r","base64":"AA=="}\n`
    expect((await replay('--check-only')).exitCode).toBe(1)
    await database.load('CREATE TABLE public.notes (note text)')
    for (const counts of [
      { saved: 1, duplicates: 0 },
      { saved: 0, duplicates: 1 },
    ]) {
      const { exitCode, stdout, stderr } = await replay()
      expect(exitCode, stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ format: 'rejected', attempted: 1, ...counts, lost: 0 })
    }
    expect((await stored(database)).map((row) => row.text).toSorted()).toEqual(['a1', 'a2', 'a3', 'b1'])
    expect(JSON.parse((await replay('--check-only')).stdout)).toMatchObject({ checkOnly: true, found: 1, lost: 0 })
    await appendFile(file, `${damage}{"type":"message"}\n`)
    const damaged = await replay()
    expect(damaged.exitCode).toBe(1)
    expect(JSON.parse(damaged.stdout)).toMatchObject({
      ...{ attempted: 3, duplicates: 1, rejected: 2 },
      rejectedLines: [
        { line: 2, reason: 'it has the bytes of a damaged line of the journal' },
        { line: 3, reason: 'it is not a line of a file of rejected messages' },
      ],
    })
  })

  test('queues while the schema is not there or the database is read-only, and says when it is full', async ({
    database,
  }) => {
    await withoutMessages(database)
    await withOutage(
      database,
      async (chat) => {
        const ana = await chat.guest('ana')
        expectOk(await ana.ask('clientMessage', text('first')))
        await database.query('ALTER TABLE "ChatMessage" RENAME TO "Away"')
        expect(await ana.ask('clientMessage', text('a'))).toMatchObject(QUEUED)
        expect(await ana.next('messageQueued')).toMatchObject({ reason: 'schema_not_ready' })
        await database.query('ALTER TABLE "Away" RENAME TO "ChatMessage"')
        await untilDrained(chat)

        await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`)
        chat.proxy.cut()
        expect(await ana.ask('clientMessage', text('b'))).toMatchObject(QUEUED)
        const unavailable = { code: 'database_unavailable' }
        await untilReadyz(chat, 200, {
          ok: true,
          ...unavailable,
          destination: 'journal',
          journal: 'taking',
          waiting: 1,
        })
        const { error } = await ana.ask('clientMessage', text('x'.repeat(3_000), 'large'))
        expect(error).toMatchObject({ code: 'database_unavailable', retryable: true })
        expect(error?.message).toContain('its journal is full')
        expect(chat.log.join('\n')).toContain('"event":"journal_full"')
        expect(await ana.ask('clientMessage', text('y'.repeat(900), 'last'))).toMatchObject(QUEUED)
        await untilReadyz(chat, 503, { ok: false, ...unavailable, journal: 'full', waiting: 2 })
        // What it has it still knows.
        expect(await ana.ask('clientMessage', text('b'))).toMatchObject(QUEUED)
        const other = await database.client()
        await other.query('SET default_transaction_read_only = off')
        await other.query(`ALTER DATABASE ${database.name} RESET default_transaction_read_only`)
        chat.proxy.cut()
        await untilDrained(chat, 2)
        expectOk(await ana.ask('clientMessage', text('x'.repeat(3_000), 'large')))
        const texts = ['first', 'a', 'b', 'y'.repeat(900), 'x'.repeat(3_000)]
        expect((await stored(database)).map((row) => row.text)).toEqual(texts)
        await untilReadyz(chat, 200, { ok: true, destination: 'database', journal: 'taking', waiting: 0 })
      },
      { journal: { path: journalPath(), maxBytes: 3_000 } },
    )
  })
})
