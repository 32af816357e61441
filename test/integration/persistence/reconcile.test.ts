import { ExitCode, OperatorError } from '../../../src/errors.js'
import { checksum, migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { until } from '../../support/until.js'

const unlinked = async (database: TestDatabase): Promise<number> => {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM "ChatMessage" WHERE "clientId" IS NULL AND "guestUsername" IS NOT NULL`,
  )
  return row?.count ?? -1
}

describe('reconcile', () => {
  test("links guests' messages to their clients, making those that are missing, and is done then", async ({
    database,
  }) => {
    await migrated(database, 'hand-migrated')
    const before = await unlinked(database)
    const preview = JSON.parse((await on(database, 'reconcile', '--dry-run', '--json')).stdout) as Record<
      string,
      unknown
    >
    expect(await unlinked(database)).toBe(before)
    const done = JSON.parse((await on(database, 'reconcile', '--json')).stdout) as Record<string, unknown>
    expect(done).toEqual({ ...preview, dryRun: false })
    expect(done).toMatchObject({ ok: true, messagesLinked: before })
    expect(await unlinked(database)).toBe(0)
    expect(
      await database.query(
        `SELECT 1 FROM "ChatMessage" m JOIN "Client" c ON c.id = m."clientId" WHERE m."guestUsername" <> c.username`,
      ),
    ).toEqual([])
    const again = await on(database, 'reconcile')
    expect([again.exitCode, again.stdout]).toEqual([
      0,
      expect.stringContaining('ok: 0 messages linked, 0 clients created'),
    ])
  })

  test('leaves, and says, what it cannot decide', async ({ database }) => {
    await migrated(database)
    await database.load(`
      INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername")
      VALUES ('CLIENT', 'TEXT', 'a', NULL), ('CLIENT', 'TEXT', 'b', '   '), ('CLIENT', 'TEXT', 'c', 'maria');
      ALTER TABLE "Client" ADD COLUMN "tenant" integer NOT NULL`)
    const { exitCode, stdout } = await on(database, 'reconcile')
    expect(exitCode).toBe(0)
    const left = 'not linked: no client could be found or created for their guests: the name of the guest is blank'
    expect(stdout).toContain(
      `2 messages ${left}; null value in column "tenant" of relation "Client" violates not-null constraint\n`,
    )
    expect(stdout).toContain('1 message not linked: no guest name')
    // Equal to the database, and to nobody else.
    await database.load(`
      ALTER TABLE "Client" DROP COLUMN "tenant"; CREATE UNIQUE INDEX ON "Client" (lower("username"));
      INSERT INTO "Client" ("updatedAt", "username") VALUES (now(), 'Maria')`)
    expect((await on(database, 'reconcile')).stdout).toContain(
      `2 messages ${left}; a unique index of "Client" takes the name for that of another client`,
    )
  })

  test('names the command where the database was not migrated', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { exitCode, stderr } = await on(database, 'reconcile')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('hint: chatkeep migrate')])
  })
})

type Report = Readonly<Record<string, unknown>>

const reconciled = async (database: TestDatabase, ...argv: readonly string[]): Promise<Report> => {
  const { exitCode, stdout, stderr } = await on(database, 'reconcile', '--json', ...argv)
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout) as Report
}

/** Messages without client, as they are left behind when their contact could not be looked up. */
const loadGuests = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.load(`
    INSERT INTO "Client" ("updatedAt", "username", "phone") VALUES
      (now(), 'registered', NULL), (now(), 'of a guest', NULL), (now(), 'somebody', '+1 taken');
    INSERT INTO "chatkeep"."guest_clients" VALUES (2);
    INSERT INTO "ChatMessage" ("guestUsername", "guestPhone", "senderType", "messageType", "text", "createdAt")
    SELECT CASE WHEN n <= 2400 THEN 'guest ' || n % 1200 ELSE 'busy' END,
      CASE n WHEN 1 THEN '+1 free' WHEN 2 THEN '+1 taken' END,
      CASE WHEN n % 3 = 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType", 'TEXT', 'message ' || n,
      timestamp '2026-04-05' + n * interval '1 second'
    FROM generate_series(1, 7400) AS n;
    INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text")
    SELECT name, sender::"MessageSenderType", 'TEXT', name
    FROM unnest(ARRAY['registered', ' registered', 'of a guest', U&'zo\\0308', E' z\u00f6\t', U&'z\\00F6', '  ']) AS name,
      unnest(ARRAY['CLIENT', 'CLIENT', 'OPERATOR']) AS sender;
    INSERT INTO "ChatMessage" ("senderType", "messageType", "text") VALUES ('CLIENT', 'TEXT', 'of nobody')`)
}

const EXPECTED = {
  ok: true,
  command: 'reconcile',
  target: expect.any(String) as string,
  // 'busy', three spaces, and six forms of three names, beside the 1,200.
  guests: 1_208,
  messagesLinked: 7_400 + 18,
  messagesLinkedById: 0,
  messagesMoved: 0,
  messagesUnverified: 4,
  // One for the three forms of 'zö'.
  clientsCreated: 1_202,
  messagesLeft: 3,
  reasonsLeft: ['the name of the guest is blank'],
  messagesLocked: 0,
  messagesWaiting: 0,
  messagesOlderThanClient: 0,
  messagesWithoutName: 1,
}

describe('thousands of guests, and one with thousands of messages', () => {
  test('are linked, each message once; what is done is what was announced', async ({ database }) => {
    await loadGuests(database)
    const before = await checksum(database, 'ChatMessage')
    expect(await reconciled(database, '--dry-run')).toEqual({ ...EXPECTED, dryRun: true })
    expect([await checksum(database, 'ChatMessage'), await database.query('SELECT "id" FROM "Client"')]).toEqual([
      before,
      [{ id: 1 }, { id: 2 }, { id: 3 }],
    ])
    const rest = await checksum(database, 'ChatMessage', ['clientId', 'guestUnverified'])

    expect(await reconciled(database)).toEqual({ ...EXPECTED, dryRun: false })
    expect(await checksum(database, 'ChatMessage', ['clientId', 'guestUnverified'])).toEqual(rest)
    expect(
      await database.query(
        `SELECT c."username", array_agg(m."senderType"::text ORDER BY m."id") AS "senders"
         FROM "ChatMessage" AS m JOIN "Client" AS c ON c."id" = m."clientId"
         WHERE m."guestUnverified" GROUP BY 1`,
      ),
    ).toEqual([{ username: 'registered', senders: ['CLIENT', 'CLIENT', 'CLIENT', 'CLIENT'] }])
    expect(
      await database.query(
        `SELECT "username", "phone" FROM "Client" WHERE "username" IN ('guest 1', 'guest 2', 'somebody') ORDER BY 1`,
      ),
    ).toEqual([
      { username: 'guest 1', phone: null },
      { username: 'guest 2', phone: null },
      { username: 'somebody', phone: '+1 taken' },
    ])
    expect(await reconciled(database)).toMatchObject({ guests: 1, messagesLinked: 0, clientsCreated: 0 })
  })

  test('are counted in a session that the server keeps read-only', async ({ database }) => {
    await loadGuests(database)
    // Whoever reads "Client" writes now, where he may.
    await database.load(`
      ALTER TABLE "Client" RENAME TO "Client_table";
      CREATE FUNCTION write_something() RETURNS boolean LANGUAGE plpgsql AS $$
      BEGIN UPDATE "Client_table" SET "phone" = 'written' WHERE "id" = 1; RETURN true; END $$;
      CREATE VIEW "Client" AS SELECT * FROM "Client_table" WHERE write_something()`)
    const { exitCode, stderr } = await on(database, 'reconcile', '--dry-run')
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('read-only transaction')])
  })

  test('are linked on when a run is interrupted half way', async ({ database }) => {
    await loadGuests(database)
    const interruption = new AbortController()
    // The 3,000th message to be linked pulls the plug.
    const watcher = await database.client()
    await watcher.query('LISTEN linked')
    watcher.on('notification', () =>
      interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: ExitCode.interrupted })),
    )
    await database.load(`
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW."text" = 'message 3000' THEN NOTIFY linked; END IF; RETURN NULL; END $$;
      CREATE TRIGGER tell AFTER UPDATE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION tell()`)
    const { exitCode } = await runChatkeep(['reconcile', '--database-url', database.url], {
      signal: interruption.signal,
    })
    expect(exitCode).toBe(130)
    const left = await unlinked(database)
    expect(left).toBeGreaterThan(3)
    expect(left).toBeLessThan(7_400)
    expect(await reconciled(database)).toMatchObject({ messagesLinked: left - 3, messagesLeft: 3 })
    expect(await unlinked(database)).toBe(3)
  })

  test.for(['RETURN NULL', 'RETURN OLD', 'NEW."clientId" := OLD."clientId"; RETURN NEW'])(
    'are all tried, and the run fails, where a trigger keeps some (%s)',
    async (body, { database }) => {
      await migrated(database)
      // Of more than one page of guests, and more than one batch.
      await database.load(`
        INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername")
        SELECT 'CLIENT', 'TEXT', 'message', 'guest ' || n % 600 FROM generate_series(1, 1800) AS n;
        INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername")
        SELECT 'CLIENT', 'TEXT', 'protected', 'guest 0' FROM generate_series(1, 30);
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$;
        CREATE TRIGGER keep BEFORE UPDATE ON "ChatMessage" FOR EACH ROW WHEN (OLD."text" = 'protected')
        EXECUTE FUNCTION keep()`)
      const before = await unlinked(database)
      const { exitCode, stdout } = await on(database, 'reconcile', '--json')
      expect([exitCode, JSON.parse(stdout)]).toMatchObject([
        1,
        {
          error: {
            code: 'rows_kept',
            message: '30 messages are unchanged: a trigger keeps rows of "public"."ChatMessage"',
            details: ['BEFORE UPDATE trigger keep, function keep()', `state: ${before - 30} messages are linked`],
          },
        },
      ])
      expect(await unlinked(database)).toBe(30)
      await database.load('DROP FUNCTION keep CASCADE')
      expect(await reconciled(database)).toMatchObject({ messagesLinked: 30 })
    },
  )

  test('are linked beside live messages, except for locked rows, which the next run links', async ({ database }) => {
    await loadGuests(database)
    const holder = await database.client()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM "ChatMessage" WHERE "text" IN ('message 1', 'message 5000') FOR UPDATE`)
    await withStore(database, async (store) => {
      let isDone = false
      let saved = 0
      const live = async (): Promise<void> => {
        while (!isDone) {
          saved += 1
          const { clientId } = await store.saveChatMessage({
            guestUsername: `guest ${saved % 1_300}`,
            senderType: 'CLIENT',
            messageType: 'TEXT',
            text: `live ${saved}`,
          })
          expect(clientId).not.toBeNull()
        }
      }
      const writers = [live(), live(), live()]
      await until(() => saved > 20, { what: 'more than 20 messages are saved' })
      const report = await reconciled(database)
      isDone = true
      await Promise.all(writers)
      expect(report).toMatchObject({ messagesLinked: 7_418 - 2, messagesLocked: 2, messagesLeft: 3 })
      expect(await database.query(`SELECT count(*)::integer FROM "ChatMessage" WHERE "text" LIKE 'live%'`)).toEqual([
        { count: saved },
      ])
    })
    await holder.query('ROLLBACK')
    expect(await reconciled(database)).toMatchObject({ messagesLinked: 2, messagesLocked: 0 })
    expect(
      await database.query(
        `SELECT "username" FROM "Client" GROUP BY 1 HAVING count(*) > 1 OR "username" = ' registered'`,
      ),
    ).toEqual([])
  })
})
