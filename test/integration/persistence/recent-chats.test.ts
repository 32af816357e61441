import { createRandom, randomBelow } from '../../bench/random.js'
import type { ChatStore, RecentChat } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { templateDatabase } from '../../support/templates.js'
import { casesOf } from '../../support/thorough.js'

const SEED = 20260405
const CLIENTS = 260
const GUESTS = 90
const MESSAGES = 5_000

/** Instants that meet: in the same ten seconds, in the very same millisecond, long ago and far ahead. */
const INSTANTS = [
  '2001-09-09T01:46:40.000Z',
  ...Array.from({ length: 40 }, (_, index) => new Date(Date.UTC(2026, 3, 5, 9) + index * 750).toISOString()),
  ...Array.from({ length: 20 }, (_, index) => new Date(Date.UTC(2026, 3, 5, 10) + index * 60_000).toISOString()),
  '2099-12-31T23:59:59.999Z',
]

/** Messages of clients, of guests with and without client, and of nobody, the same in every run. */
const loadChats = async (database: TestDatabase): Promise<void> => {
  expect(await database.becomeCopyOf(await templateDatabase('recent-chats', makeChats))).toBe(true)
}

const makeChats = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.query(
    `INSERT INTO "Client" ("updatedAt", "username", "phone")
     SELECT now(), 'client ' || n, CASE WHEN n % 3 = 0 THEN '+1 555 ' || n END FROM generate_series(1, $1::integer) AS n`,
    [CLIENTS],
  )
  const random = createRandom(SEED)
  const messages = Array.from({ length: MESSAGES }, () => {
    const clientId = randomBelow(random, 4) === 0 ? null : 1 + randomBelow(random, CLIENTS)
    const isNamed = clientId === null ? randomBelow(random, 20) > 0 : randomBelow(random, 3) === 0
    const instant = randomBelow(random, INSTANTS.length)
    return {
      createdAt: INSTANTS[instant],
      clientId,
      guestUsername: isNamed ? `guest ${randomBelow(random, GUESTS)}` : null,
      // Of messages of one instant any may be taken for the last.
      guestPhone: instant % 5 === 0 ? `+1 ${instant}` : null,
      senderType: randomBelow(random, 3) === 0 ? 'OPERATOR' : 'CLIENT',
      isRead: randomBelow(random, 4) > 0,
    }
  })
  await database.query(
    `INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "guestPhone", "senderType", "messageType", "text", "isRead")
     SELECT (x."createdAt"::timestamptz AT TIME ZONE 'UTC'), x."clientId", x."guestUsername", x."guestPhone",
       x."senderType"::"MessageSenderType", 'TEXT', 'hello', x."isRead"
     FROM json_to_recordset($1::json) AS x ("createdAt" text, "clientId" integer, "guestUsername" text, "guestPhone" text,
       "senderType" text, "isRead" boolean)`,
    [JSON.stringify(messages)],
  )
}

/** What the list must say, found by looking at every message. */
const REFERENCE = `
  WITH message AS MATERIALIZED (
    SELECT *, CASE WHEN "clientId" IS NULL THEN 'guest ' || "guestUsername" ELSE 'client ' || "clientId" END AS "chat"
    FROM "ChatMessage"
  )
  SELECT last."clientId", coalesce(c."username", last."guestUsername") AS "username",
    CASE WHEN c."id" IS NULL THEN last."guestPhone" ELSE coalesce(c."phone",
      (SELECT a."guestPhone" FROM "ChatMessage" AS a WHERE a."clientId" = c."id" AND a."senderType" = 'CLIENT'
       ORDER BY a."createdAt" DESC LIMIT 1)) END AS "phone", last."id", coalesce(unread."count", 0) AS "unreadCount"
  FROM (SELECT DISTINCT ON ("chat") * FROM message WHERE "chat" IS NOT NULL ORDER BY "chat", "createdAt" DESC, "id" DESC) AS last
  LEFT JOIN (
    SELECT "chat", least(count(*), 1000)::integer AS "count" FROM message
    WHERE NOT "isRead" AND "senderType" = 'CLIENT' GROUP BY "chat"
  ) AS unread ON unread."chat" = last."chat"
  LEFT JOIN "Client" AS c ON c."id" = last."clientId"
  ORDER BY last."createdAt" DESC, last."id" DESC`

const readPages = async (
  store: ChatStore,
  limit: number,
  unreadOnly?: boolean,
): Promise<readonly (readonly RecentChat[])[]> => {
  const pages: (readonly RecentChat[])[] = []
  for (let before: string | null | undefined; before !== null;) {
    const page = await store.getRecentChats({ limit, before, unreadOnly })
    pages.push(page.chats)
    before = page.nextBefore
  }
  return pages
}

const readAll = async (database: TestDatabase, limit: number, unreadOnly?: boolean): Promise<readonly RecentChat[]> =>
  (await withStore(database, (store) => readPages(store, limit, unreadOnly))).flat()

const summaryOf = ({ clientId, username, phone, lastMessage, unreadCount }: RecentChat) => ({
  clientId,
  username,
  phone,
  id: lastMessage.id,
  unreadCount,
})

const expectAsReference = async (database: TestDatabase, limit = 7): Promise<void> => {
  const expected = await database.query<{ unreadCount: number }>(REFERENCE)
  expect((await readAll(database, limit)).map(summaryOf)).toEqual(expected)
}

/** The list of what is unread, and the count of it. @returns the number of chats with unread messages */
const expectUnreadAsReference = async (database: TestDatabase, limit: number): Promise<number> => {
  const expected = (await database.query<{ unreadCount: number }>(REFERENCE)).filter(
    ({ unreadCount }) => unreadCount > 0,
  )
  const unread = await readAll(database, limit, true)
  expect(unread.map(summaryOf)).toEqual(expected)
  if (unread.every(({ unreadCount }) => unreadCount < 1_000)) {
    const sum = unread.reduce((total, { unreadCount }) => total + unreadCount, 0)
    expect(await withStore(database, (store) => store.getUnreadCount())).toBe(Math.min(sum, 10_000))
  }
  return unread.length
}

const nameOf = ({ clientId, username }: RecentChat): string => (clientId === null ? `guest ${username}` : `${clientId}`)

describe('recent chats', () => {
  test.for([7, 50, 200])(
    'are all listed, once and in order, with what is unread, in pages of %i',
    async (limit, { database }) => {
      await loadChats(database)
      await expectAsReference(database, limit)
      await expectUnreadAsReference(database, limit)
      const pages = await withStore(database, (store) => readPages(store, limit))
      expect(pages.slice(0, -1).every(({ length }) => length === limit)).toBe(true)
      expect(pages.flat().length).toBeGreaterThan(CLIENTS)
    },
  )

  test('follow messages that are deleted, moved, linked, or written by others', async ({ database }) => {
    await loadChats(database)
    const changes = [
      // The last message of every third chat.
      `DELETE FROM "ChatMessage" WHERE "id" IN (SELECT r."id" FROM (${REFERENCE}) AS r WHERE r."id" % 3 = 0)`,
      `UPDATE "ChatMessage" SET "clientId" = 1 + "id" % ${CLIENTS}
       WHERE "id" IN (SELECT r."id" FROM (${REFERENCE}) AS r WHERE r."id" % 5 = 0)`,
      `UPDATE "ChatMessage" SET "createdAt" = "createdAt" - interval '1 hour 100 milliseconds' WHERE "id" % 7 = 0`,
      `DELETE FROM "ChatMessage" WHERE "clientId" IN (5, 6, 7) OR "guestUsername" = 'guest 3'`,
      `INSERT INTO "ChatMessage" ("clientId", "guestUsername", "senderType", "messageType", "text", "createdAt")
       SELECT CASE WHEN n % 2 = 0 THEN n END, 'plain ' || n, 'CLIENT', 'TEXT', 'by plain SQL',
         timestamp '2026-04-05 09:00:00.5' + n * interval '1 second'
       FROM generate_series(1, 60) AS n`,
    ]
    for (const change of changes) {
      await database.load(change)
      await expectAsReference(database)
      await expectUnreadAsReference(database, 50)
    }
    await on(database, 'reconcile')
    expect((await readAll(database, 200)).filter(({ clientId }) => clientId === null)).toEqual([])
    await expectAsReference(database)
  })

  test('count what is unread up to 1,000', async ({ database }) => {
    await migrated(database)
    await database.load(`
      INSERT INTO "Client" ("updatedAt", "username") VALUES (now(), 'much');
      INSERT INTO "ChatMessage" ("clientId", "guestUsername", "senderType", "messageType", "text")
      SELECT CASE WHEN n <= 1001 THEN 1 END, CASE WHEN n > 1001 THEN 'ana' END, 'CLIENT', 'TEXT', 'x'
      FROM generate_series(1, 2000) AS n`)
    const chats = await readAll(database, 50)
    expect(chats.map(({ username, unreadCount }) => [username, unreadCount])).toEqual([
      ['ana', 999],
      ['much', 1_000],
    ])
  })

  test('are none in an empty database', async ({ database }) => {
    await migrated(database)
    const page = await withStore(database, (store) => store.getRecentChats())
    expect(page).toEqual({ chats: [], nextBefore: null })
  })

  test('name the command where the database was rolled back', async ({ database }) => {
    await migrated(database, 'crm-before')
    const { exitCode } = await on(database, 'rollback', '--confirm', database.name)
    expect(exitCode).toBe(0)
    await expect(withStore(database, (store) => store.getRecentChats())).rejects.toMatchObject({
      name: 'SchemaNotReady',
      hint: 'chatkeep migrate',
    })
  })

  test('neither double nor hide anybody because of a message between two pages', async ({ database }) => {
    await loadChats(database)
    const before = (await readAll(database, 200)).map(nameOf)
    await withStore(database, async (store) => {
      const first = await store.getRecentChats({ limit: 7 })
      const [shown, waiting] = [before[3], before[40]]
      for (const name of [shown, waiting]) {
        const chat = name?.startsWith('guest ') === true ? { guestUsername: name.slice(6) } : { clientId: Number(name) }
        await database.query(
          `INSERT INTO "ChatMessage" ("clientId", "guestUsername", "senderType", "messageType", "text", "createdAt")
           VALUES ($1, $2, 'CLIENT', 'TEXT', 'just now', '2100-01-01')`,
          [chat.clientId ?? null, chat.guestUsername ?? null],
        )
      }
      const rest: string[] = []
      for (let cursor = first.nextBefore; cursor !== null;) {
        const page = await store.getRecentChats({ limit: 7, before: cursor })
        rest.push(...page.chats.map(nameOf))
        cursor = page.nextBefore
      }
      // Who has written meanwhile is at the top of the list now; everybody else is where he was.
      expect([...first.chats.map(nameOf), ...rest]).toEqual(before.filter((name) => name !== waiting))
      expect((await readAll(database, 7)).slice(0, 2).map(nameOf)).toEqual([waiting, shown])
    })
  })
})

/** Messages of the chats that the SQL selects, each so many seconds after ten o'clock. */
const insertShape = (rows: string): string => `
  INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'client ' || n FROM generate_series(1, 2000) AS n;
  INSERT INTO "ChatMessage" ("clientId", "guestUsername", "createdAt", "senderType", "messageType", "text")
  SELECT x."clientId", x."guest", timestamp '2026-04-05 10:00' + x."second" * interval '1 second', 'CLIENT', 'TEXT', 'x'
  FROM (${rows}) AS x ("clientId", "guest", "second")`

type Shape = readonly [what: string, rows: string]

/** What makes a scan read on: many messages of few chats, of one instant, or of nobody. */
const SHAPES = casesOf<Shape>(
  [
    [
      'one client wrote the last messages of many hours',
      `SELECT n % 300 + 1, NULL, n FROM generate_series(1, 2000) AS n
     UNION ALL SELECT 7, NULL, 2000 + n * 5 FROM generate_series(1, 9000) AS n`,
    ],
    [
      'many clients and guests wrote in the hour that one client flooded',
      `SELECT n % 900 + 1, NULL, n FROM generate_series(1, 1800) AS n
     UNION ALL SELECT NULL, 'guest ' || n % 900, n FROM generate_series(1, 1800) AS n
     UNION ALL SELECT 7, NULL, 1800 + n / 6 FROM generate_series(1, 9000) AS n`,
    ],
    [
      'in an hour of many clients and guests some guests wrote much, and then one client flooded it',
      `SELECT n % 900 + 1, NULL, n FROM generate_series(1, 1800) AS n
     UNION ALL SELECT NULL, 'guest ' || n % 900, n FROM generate_series(1, 1800) AS n
     UNION ALL SELECT NULL, 'guest ' || n % 40, 1800 + n / 5 FROM generate_series(1, 4000) AS n
     UNION ALL SELECT 7, NULL, 2600 + n / 6 FROM generate_series(1, 5000) AS n`,
    ],
    [
      'messages of nobody are the last of many hours',
      `SELECT n % 300 + 1, NULL, n FROM generate_series(1, 2000) AS n
     UNION ALL SELECT NULL, 'guest ' || n % 100, n FROM generate_series(1, 1000) AS n
     UNION ALL SELECT NULL, NULL, 2000 + n * 5 FROM generate_series(1, 9000) AS n`,
    ],
    [
      'some hours have messages of clients, some of guests, some of nobody',
      `SELECT CASE WHEN hour % 3 = 0 THEN n % 90 + hour + 1 END, CASE WHEN hour % 3 = 1 THEN 'guest ' || n % 90 + hour END, hour * 3600 + n
     FROM generate_series(0, 11) AS hour, generate_series(1, 900) AS n`,
    ],
    [
      'all messages have the same instant',
      `SELECT CASE WHEN n % 3 > 0 THEN n % 700 + 1 END, 'guest ' || n % 400, 0 FROM generate_series(1, 4000) AS n`,
    ],
    [
      'a guest has an empty name',
      `SELECT NULL::integer, CASE WHEN n % 2 = 0 THEN '' ELSE 'guest ' || n % 100 END, n * 20 FROM generate_series(1, 3000) AS n`,
    ],
  ],
  [
    [
      'one guest wrote the last messages of many hours',
      `SELECT NULL::integer, 'guest ' || n % 300, n FROM generate_series(1, 2000) AS n
     UNION ALL SELECT NULL, 'guest 7', 2000 + n * 5 FROM generate_series(1, 9000) AS n`,
    ],
    [
      'one client wrote the last messages, other clients before, and guests all along',
      `SELECT n % 300 + 1, NULL, n FROM generate_series(1, 2000) AS n
     UNION ALL SELECT NULL, 'guest ' || n, n * 4 FROM generate_series(1, 400) AS n
     UNION ALL SELECT 7, NULL, 2000 + n FROM generate_series(1, 3000) AS n`,
    ],
    [
      'many clients and guests wrote in hours that two clients and a guest flooded all along',
      `SELECT n % 1300 + 1, NULL, n * 2 FROM generate_series(1, 4000) AS n
     UNION ALL SELECT NULL, 'guest ' || n % 1300, n * 2 FROM generate_series(1, 4000) AS n
     UNION ALL SELECT CASE n % 3 WHEN 0 THEN 7 WHEN 1 THEN 8 END, 'guest 7', 3000 + n / 2 FROM generate_series(1, 9000) AS n`,
    ],
    [
      'chats live side by side and end one after the other',
      `SELECT chat, NULL, (chat + back * 700) FROM generate_series(1, 900) AS chat, generate_series(-20, 0) AS back`,
    ],
  ],
)

describe('recent chats are listed where', () => {
  test.for(SHAPES)('%s, all chats and those with unread messages', async ([, rows], { database }) => {
    await migrated(database)
    await database.load(insertShape(rows))
    for (const limit of [17, 200]) await expectAsReference(database, limit)
    const read = `UPDATE "ChatMessage" SET "isRead" = true WHERE NOT "isRead" AND`
    const counts = [await expectUnreadAsReference(database, 200)]
    for (const change of [
      `${read} "id" % 3 > 0`,
      `${read} coalesce("clientId", length("guestUsername") + ascii(right("guestUsername", 1))) % 2 > 0`,
      `${read} "createdAt" > (SELECT min("createdAt") + interval '20 seconds' FROM "ChatMessage")`,
      `${read} true`,
    ]) {
      await database.load(change)
      counts.push(await expectUnreadAsReference(database, 100))
    }
    expect(counts.at(-1)).toBe(0)
    expect(counts).toEqual(counts.toSorted((a, b) => b - a))
  })

  test('instants are infinitely early', async ({ database }) => {
    await migrated(database)
    await database.load(insertShape('SELECT n % 30 + 1, NULL, n FROM generate_series(1, 900) AS n'))
    await database.load(`UPDATE "ChatMessage" SET "createdAt" = '-infinity' WHERE "clientId" > 20`)
    const { chats } = await withStore(database, (store) => store.getRecentChats({ limit: 200 }))
    expect(chats.map(summaryOf)).toEqual(await database.query(REFERENCE))
  })
})
