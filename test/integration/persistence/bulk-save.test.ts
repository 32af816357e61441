import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import type { ChatStore, NewChatMessage, SavedChatMessage } from '../../../src/index.js'
import { createBulkStore, type BulkStore } from '../../../src/persistence/bulk-store.js'
import { readTranscript } from '../../../src/transcripts/read-transcript.js'
import { toNewChatMessage } from '../../../src/transcripts/transcript-line.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { cutAtWrites, type Moment } from '../../support/commit-cutter.js'
import { withProxy, type Tap } from '../../support/cuttable-proxy.js'
import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { manyLines, SHOP, transcriptLine, writeInput, type LinePart } from '../../support/transcript.js'
import { until, untilRows } from '../../support/until.js'

/** An application with clients, operators, and a rule of its own for messages. */
const prepareDatabase = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.load(`
    INSERT INTO "User" ("updatedAt", "name", "username", "passwordHash") VALUES (now(), 'Lucía', 'lucia', '');
    INSERT INTO "Client" ("updatedAt", "username", "phone")
    VALUES (now(), 'registered', NULL), (now(), 'owner of a phone', '+1 taken');
    ALTER TABLE "ChatMessage" ADD CONSTRAINT "polite" CHECK ("text" NOT LIKE 'rude%')`)
}

/** All that is stored but the generated ids; each sender's messages in the order of these. */
const contentOf = async (database: TestDatabase): Promise<unknown> => ({
  messages: await database.query(
    `SELECT m."createdAt"::text AS "at", c."username" AS "client", m."guestUsername", m."guestPhone", m."clientSocketId",
       m."senderType", m."operatorId", m."messageType", CASE WHEN length(m."text") > 999 THEN md5(m."text") ELSE m."text" END AS "text",
       m."imageUrl", m."imageName", m."mimeType", m."isRead", m."readAt", m."sessionId", m."idempotencyKey", m."guestUnverified"
     FROM "ChatMessage" AS m LEFT JOIN "Client" AS c ON c."id" = m."clientId"
     ORDER BY m."sessionId", m."guestUsername", m."clientSocketId", m."id"`,
  ),
  wanted: await database.query(`SELECT "idempotencyKey", "clientId" FROM "chatkeep"."wanted_clients" ORDER BY 1`),
  clients: await database.query(
    `SELECT "username", "phone", "status", "pointsBalance" FROM "Client" ORDER BY "username"`,
  ),
  guests: await database.query(
    `SELECT c."username" FROM "chatkeep"."guest_clients" AS g JOIN "Client" AS c ON c."id" = g."clientId" ORDER BY 1`,
  ),
})

/** Saves a transcript as an application would: one message after the other. */
const saveOneByOne = async (store: ChatStore, path: string): Promise<void> => {
  for await (const entry of readTranscript(createReadStream(path))) {
    if (entry.message === undefined) continue
    const operatorId = entry.message.from === 'operator' && entry.message.operator === 'lucia' ? 1 : null
    await store.saveChatMessage({ ...toNewChatMessage(entry.message), operatorId, idempotencyKey: entry.key }).catch(
      // What the application's rule refuses is to be missing in both databases.
      (error: unknown) => expect(error).toMatchObject({ sqlState: '23514' }),
    )
  }
}

const expectSameBothWays = async (database: TestDatabase, path: string): Promise<void> => {
  await prepareDatabase(database)
  await withStore(database, (store) => saveOneByOne(store, path))
  const expected = await contentOf(database)
  await withDatabase(async (other) => {
    await prepareDatabase(other)
    await on(other, 'replay', path)
    expect(await contentOf(other)).toEqual(expected)
  })
}

/** What COPY, JSON or a shell could trip over, in every place where it may stand. */
const HARD_TEXTS = [
  '\\', '\\\\', '\\N', '\\.', '\n\\.\n', 'a\\', '\t', '\n', '\r', '\r\n', '\b\f\v', '"', `'`, '""', `''`, '$$', '%s',
  'x\0y', '\0', '\ud800', 'a\udc00b', '👩‍👩‍👧', '\u2028', '\ufeff', 'e\u0301', ' ', '  outer  ', '{"a":1}', '\\u0041', '\\x41',
  'NULL', 'null', '\\n', '\\t', '\x7f\x1b[0m', ',', ';', '--', '/*',
] // prettier-ignore

const HARD_LINES: readonly LinePart[] = [
  ...HARD_TEXTS.map((text) => ({ text, username: `name ${text}`, conversation: text, phone: text })),
  ...HARD_TEXTS.map((text) => ({ text, username: text })),
  { text: 'x'.repeat(1_048_576) },
  { text: '\\'.repeat(600_000) },
  { text: '' },
  { username: '👋'.repeat(255) },
  { username: 'n'.repeat(256) },
  { text: 'twin' },
  { text: 'twin' },
  { text: 'twin', phone: '+1 other' },
  { username: 'zoe', phone: '+1 first come', text: 'first' },
  { username: 'amy', phone: '+1 first come', text: 'second' },
  { username: 'no phone yet', text: 'first' },
  { username: 'no phone yet', phone: '+1 later', text: 'second' },
  { username: 'with the phone of another', phone: '+1 taken' },
  { username: 'registered', text: 'is it he?' },
  { username: ' registered ', from: 'operator', text: 'who knows' },
  { from: 'operator', operator: 'lucia', text: 'known' },
  { from: 'operator', operator: 'nobody', text: 'unknown' },
  { text: 'rude', username: 'rude one' },
]

/** Twice so many ordinary lines, and the hard ones. A batch has 2,000; where one line is refused, each half is saved 500 at a time. */
const hardTranscript = (isPolite: boolean, ordinaryLines: number): Promise<string> => {
  const ordinary = Array.from({ length: ordinaryLines }, (_, index) => ({
    username: `guest ${(index * 7) % 90}`,
    conversation: `chat ${index % 90}`,
    phone: index % 4 === 0 ? `+1 ${index % 50}` : null,
    text: index % 211 === 0 ? `rude ${index}` : `message ${index % 400}`,
  }))
  const all = [...ordinary, ...HARD_LINES, ...ordinary, ...HARD_LINES]
  const lines = isPolite ? all.filter(({ text }) => typeof text !== 'string' || !text.startsWith('rude')) : all
  return writeInput(lines.map((part) => `${transcriptLine(part)}\n`).join(''))
}

const folder = process.env.CHATKEEP_TRANSCRIPTS ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const transcripts = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.small.ndjson')) : []

describe('a transcript leaves the same database as its messages one by one', () => {
  test('the shop', async ({ database }) => {
    await expectSameBothWays(database, SHOP)
  })

  test('every hard line there is, in more than one batch', async ({ database }) => {
    await expectSameBothWays(database, await hardTranscript(true, 1_000))
  })

  test('every hard line, and some that the application refuses', async ({ database }) => {
    await expectSameBothWays(database, await hardTranscript(false, 600))
  })

  test.skipIf(transcripts.length > 0)(
    'real conversations: skipped, CHATKEEP_TRANSCRIPTS names no folder',
    ({ skip }) => {
      skip()
    },
  )

  test.for(transcripts)('real conversations: %s', async (name, { database }) => {
    await expectSameBothWays(database, join(folder, name))
  })
})

const withBulkStore = async <T>(url: string, work: (store: BulkStore) => Promise<T>): Promise<T> => {
  const store = createBulkStore(toConnectionTarget(parseDatabaseUrl(url, 'databaseUrl')), 'chatkeep bulk')
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const outcomesOf = (outcomes: readonly PromiseSettledResult<SavedChatMessage>[]): readonly string[] =>
  outcomes.map((outcome) => {
    if (outcome.status === 'rejected') return (outcome.reason as Error).name
    return outcome.value.duplicate ? 'duplicate' : 'saved'
  })

describe('messages in bulk', () => {
  test('have the outcomes that they have one by one, and leave the same database', async ({ database }) => {
    const common = { ...textMessage('hello'), createdAt: new Date('2026-04-05T09:00:00.125Z') }
    const messages: readonly NewChatMessage[] = [
      { ...common, guestUsername: 'ana', idempotencyKey: 'a' },
      { ...common, guestUsername: 'ana', idempotencyKey: 'a' },
      { ...common, guestUsername: 'other body', idempotencyKey: 'a' },
      { ...common, text: 'rude', guestUsername: 'rude one', idempotencyKey: 'b' },
      { ...common, text: 'polite', guestUsername: 'rude one', idempotencyKey: 'b' },
      { ...common, clientId: 1, guestUsername: 'known by id', idempotencyKey: 'c' },
      { ...common, clientId: 999, guestUsername: 'known by name', idempotencyKey: 'd' },
      { ...common, clientId: 999, idempotencyKey: 'e' },
      { ...common, clientSocketId: '\\N', imageName: '', mimeType: '\t', idempotencyKey: 'f' },
      { ...common, guestUsername: 'ana', operatorId: 999, idempotencyKey: 'g' },
      { ...common, sessionId: 's', createdAt: new Date('0001-01-01T00:00:00.001Z'), idempotencyKey: 'h' },
      { ...common, sessionId: 's', createdAt: new Date('9999-12-31T23:59:59.999Z'), idempotencyKey: 'i' },
      { ...common, text: '', sessionId: 's' },
    ]
    const expected = [
      ...['saved', 'duplicate', 'IdempotencyConflict', 'DatabaseRefused', 'saved', 'saved', 'saved', 'saved', 'saved'],
      ...['saved', 'saved', 'saved', 'InvalidMessage'],
    ]
    await prepareDatabase(database)
    const oneByOne = await withStore(database, async (store) => {
      const outcomes: PromiseSettledResult<SavedChatMessage>[] = []
      for (const message of messages) outcomes.push(...(await Promise.allSettled([store.saveChatMessage(message)])))
      return outcomes
    })
    expect(outcomesOf(oneByOne)).toEqual(expected)
    await withDatabase(async (other) => {
      await prepareDatabase(other)
      await withBulkStore(other.url, async (store) => {
        expect(outcomesOf(await store.saveChatMessages(messages))).toEqual(expected)
        expect(await contentOf(other)).toEqual(await contentOf(database))
        // Again, after the clients were renamed: what is there already makes nobody a client.
        await other.load(`UPDATE "Client" SET "username" = 'renamed ' || "username"`)
        const clients = await other.query('SELECT "id" FROM "Client" ORDER BY 1')
        const again = outcomesOf(await store.saveChatMessages(messages))
        expect(again.filter((outcome) => outcome === 'saved')).toEqual([])
        expect(await other.query(`SELECT "id" FROM "Client" WHERE "username" <> 'rude one' ORDER BY 1`)).toEqual(
          clients,
        )
      })
    })
  })

  test('are stored, except for those whose row is locked', async ({ database }) => {
    await prepareDatabase(database)
    const holder = await database.client()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM "Client" WHERE "id" = 1 FOR UPDATE')
    await withBulkStore(database.url, async (store) => {
      const messages = Array.from({ length: 700 }, (_, index) => ({
        ...textMessage(`message ${index}`),
        sessionId: `chat ${index % 10}`,
        ...(index === 313 ? { clientId: 1, sessionId: 'held' } : {}),
        // Nobody holds the row that this one needs, but it must not overtake the other.
        ...(index === 613 ? { clientId: 2, sessionId: 'held' } : {}),
      }))
      const saving = store.saveChatMessages(messages)
      const count = 'SELECT count(*)::integer FROM "ChatMessage"'
      await until(async () => expect(await database.query(count)).toEqual([{ count: 698 }]), {
        what: 'all but the two messages are stored',
      })
      await holder.query('ROLLBACK')
      expect(new Set(outcomesOf(await saving))).toEqual(new Set(['saved']))
      expect(await database.query(`SELECT "text" FROM "ChatMessage" WHERE "sessionId" = 'held' ORDER BY "id"`)).toEqual(
        [{ text: 'message 313' }, { text: 'message 613' }],
      )
    })
  })
})

const LINES = 5_000
const LINES_CONTENT = manyLines(LINES)

const replayed = async (url: string): Promise<Readonly<Record<string, unknown>>> => {
  const path = await writeInput(LINES_CONTENT)
  const { stdout } = await on({ url } as TestDatabase, 'replay', path, '--json')
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>
}

const expectAllSavedOnce = async (database: TestDatabase, report: Readonly<Record<string, unknown>>): Promise<void> => {
  expect(report).toMatchObject({ ok: true, attempted: LINES, saved: LINES, duplicates: 0, rejected: 0, lost: 0 })
  expect(
    await database.query(
      `SELECT count(*)::integer AS "rows", count(DISTINCT "text")::integer AS "texts",
         bool_and("number" > coalesce("before", -1)) AS "inOrder"
       FROM (SELECT "text", "number", lag("number") OVER (PARTITION BY "sessionId" ORDER BY "id") AS "before"
             FROM (SELECT *, substr("text", 9)::integer AS "number" FROM "ChatMessage") AS n) AS m`,
    ),
  ).toEqual([{ rows: LINES, texts: LINES, inOrder: true }])
}

const COPY = Buffer.from('COPY "pg_temp"')

/** Cuts some connections while rows are on their way. */
const cutInCopy = (most: number): { readonly makeTap: () => Tap; readonly cuts: () => number } => {
  let cuts = 0
  const makeTap = (): Tap => {
    let isCopying = false
    return {
      fromClient: (bytes) => {
        if (isCopying && cuts < most) {
          cuts += 1
          return 'pass, then cut'
        }
        isCopying = bytes.includes(COPY)
        return 'pass'
      },
      fromServer: () => 'pass',
    }
  }
  return { makeTap, cuts: () => cuts }
}

describe('nothing is lost or doubled, and what was saved is counted right, when', () => {
  test.for<Moment>(['before the write arrives', 'with the write under way', 'after its commit'])(
    'the connection is cut %s',
    async (moment, { database }) => {
      await migrated(database)
      const cutter = cutAtWrites(moment, 0.15)
      await withProxy(
        database.url,
        async ({ url }) => expectAllSavedOnce(database, await replayed(url)),
        cutter.makeTap,
      )
      expect(cutter.cuts()).toBeGreaterThanOrEqual(2)
    },
  )

  test('the connection is cut in the middle of a COPY', async ({ database }) => {
    await migrated(database)
    const cutter = cutInCopy(3)
    await withProxy(database.url, async ({ url }) => expectAllSavedOnce(database, await replayed(url)), cutter.makeTap)
    expect(cutter.cuts()).toBe(3)
  })

  test('an administrator ends the backend in the middle of the insert', async ({ database }) => {
    await migrated(database)
    const holder = await database.client()
    // The 2,500th message waits for an advisory lock that the test holds, until its backend is ended.
    await database.load(`
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW."text" = 'message 2500' THEN
          SET LOCAL lock_timeout = 0;
          PERFORM pg_advisory_xact_lock(42);
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER hold BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION hold()`)
    await holder.query('SELECT pg_advisory_lock(42)')
    const running = replayed(database.url)
    const end = `
      SELECT pg_terminate_backend(pid) AS "ended" FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 42
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
    expect(await untilRows(database, end, { what: 'the batch waits' })).toEqual([{ ended: true }])
    await holder.query('SELECT pg_advisory_unlock(42)')
    await expectAllSavedOnce(database, await running)
  })
})
