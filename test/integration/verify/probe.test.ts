import type { NextStepDocument } from '../../../src/next-step.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { typeSteps } from '../../support/next-steps.js'

interface Found {
  readonly code: string
  readonly object: string
  readonly actual: string
  readonly help: string
  readonly steps: readonly NextStepDocument[]
  readonly sqlState: string | null
}

const probe = async (
  database: TestDatabase,
  ...role: readonly string[]
): Promise<{ readonly exitCode: number; readonly found: readonly Found[] }> => {
  const { exitCode, stdout } = await on(database, 'verify', '--json', '--probe', ...role)
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly (Found & { readonly check: string })[] }
  return { exitCode, found: findings.filter(({ check }) => check === 'probe') }
}

/** Every row of every table, where it lies and with the transaction that made it. */
const allRows = async (database: TestDatabase): Promise<readonly unknown[]> => {
  const tables = await database.query<{ name: string }>(
    `SELECT quote_ident(relname) AS "name" FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  )
  const all: unknown[] = []
  for (const { name } of tables) {
    all.push(await database.query(`SELECT ctid::text, xmin::text, t::text FROM ${name} AS t ORDER BY t.ctid`))
  }
  return all
}

const FUNCTION = (body: string): string =>
  `CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;`
const TRIGGER = (when: string, table: string): string =>
  `CREATE TRIGGER meddle ${when} ON "${table}" FOR EACH ROW EXECUTE FUNCTION meddle()`

describe('verify --probe', () => {
  test.for(['crm-before', 'hand-migrated'] as const)(
    'finds nothing in a migrated database and leaves every row as it was: %s',
    async (fixture, { database }) => {
      await migrated(database, fixture)
      await withStore(database, (store) =>
        store.saveChatMessage({ senderType: 'CLIENT', messageType: 'TEXT', guestUsername: 'maria', text: 'hello' }),
      )
      const before = await allRows(database)
      expect(await probe(database)).toEqual({ exitCode: 0, found: [] })
      expect(await allRows(database)).toEqual(before)
    },
  )

  test('in another schema, too', async ({ database }) => {
    await database.load('CREATE SCHEMA "live chat"')
    await on(database, 'migrate', '--create-tables', '--schema', 'live chat')
    const { exitCode, stdout } = await on(database, 'verify', '--schema', 'live chat', '--probe')
    expect(exitCode, stdout).toBe(0)
  })

  test('is not done unless it is asked for', async ({ database }) => {
    await migrated(database)
    await database.load(`${FUNCTION('RETURN NULL;')} ${TRIGGER('BEFORE INSERT', 'ChatMessage')}`)
    expect((await on(database, 'verify')).exitCode).toBe(0)
    const values = await database.query(`SELECT last_value, is_called FROM "ChatMessage_id_seq"`)
    expect(values).toMatchObject([{ is_called: false }])
  })

  test.for<readonly [what: string, breakage: string, finding: Partial<Found>]>([
    [
      'a trigger that swallows messages',
      `${FUNCTION('RETURN NULL;')} ${TRIGGER('BEFORE INSERT', 'ChatMessage')}`,
      {
        code: 'probe_message_lost',
        object: "probe: a message of a guest without a name; a guest's first message",
        actual: 'no row and no error: a trigger or rule discards the insert',
      },
    ],
    [
      'a trigger that takes messages away again',
      `${FUNCTION('DELETE FROM "ChatMessage" WHERE id = NEW.id; RETURN NULL;')} ${TRIGGER('AFTER INSERT', 'ChatMessage')}`,
      { code: 'probe_message_lost', actual: expect.stringMatching(/^1 of 1 missing: a trigger deletes/) as string },
    ],
    [
      'a rule that swallows messages',
      'CREATE RULE swallow AS ON INSERT TO "ChatMessage" DO INSTEAD NOTHING',
      { code: 'probe_refused', sqlState: '0A000' },
    ],
    [
      'a trigger that changes messages',
      `${FUNCTION(`NEW."text" := upper(NEW."text"); RETURN NEW;`)} ${TRIGGER('BEFORE INSERT', 'ChatMessage')}`,
      { code: 'probe_message_changed' },
    ],
    [
      'a trigger that removes the key of messages',
      `${FUNCTION('UPDATE "ChatMessage" SET "idempotencyKey" = NULL WHERE id = NEW.id; RETURN NULL;')} ${TRIGGER('AFTER INSERT', 'ChatMessage')}`,
      {
        code: 'probe_duplicate_accepted',
        actual: 'stored a second time',
        help: 'see whether the unique index is missing: chatkeep verify',
      },
    ],
    [
      'a trigger that swallows clients',
      `${FUNCTION('RETURN NULL;')} ${TRIGGER('BEFORE INSERT', 'Client')}`,
      {
        code: 'probe_client_not_made',
        sqlState: null,
        help: String.raw`find the trigger or rule responsible, in psql: \d "public"."Client"`,
      },
    ],
    [
      'a trigger that swallows marking as read',
      `${FUNCTION('RETURN NULL;')} ${TRIGGER('BEFORE UPDATE', 'ChatMessage')}`,
      { code: 'probe_not_marked_as_read' },
    ],
    [
      'a trigger that raises',
      `${FUNCTION(`RAISE EXCEPTION 'no chat on Sundays';`)} ${TRIGGER('BEFORE INSERT', 'ChatMessage')}`,
      { code: 'probe_refused', sqlState: 'P0001', actual: 'rejected: no chat on Sundays [P0001]' },
    ],
    [
      'a trigger that raises only at commit',
      `${FUNCTION(`RAISE EXCEPTION 'too late';`)} CREATE CONSTRAINT TRIGGER meddle AFTER INSERT ON "ChatMessage" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION meddle()`,
      { code: 'probe_refused', object: 'probe: the constraints that are checked at commit' },
    ],
    [
      'a trigger that writes into a table that is gone',
      `${FUNCTION('INSERT INTO "Gone" VALUES (1);')} CREATE TRIGGER meddle AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION meddle()`,
      {
        code: 'probe_refused',
        sqlState: '42P01',
        help: 'if verify reports something missing: chatkeep migrate; or find the trigger that refers to it, in psql: \\d "public"."ChatMessage"',
      },
    ],
    [
      'a sequence at its end',
      `SELECT setval('"ChatMessage_id_seq"', 2147483647)`,
      { code: 'probe_refused', sqlState: '2200H', help: 'see which sequence ends, and how to go on: chatkeep verify' },
    ],
    [
      'a sequence of clients at its end',
      `SELECT setval('"Client_id_seq"', 2147483647)`,
      { code: 'probe_client_not_made', sqlState: '2200H' },
    ],
    [
      'a column that nobody fills',
      'ALTER TABLE "ChatMessage" ADD COLUMN "tenant" integer NOT NULL',
      {
        code: 'probe_refused',
        sqlState: '23502',
        help: 'in psql: ALTER TABLE "public"."ChatMessage" ALTER COLUMN "tenant" DROP NOT NULL; or give it a default that fits the application',
      },
    ],
    [
      'a clientId that is NOT NULL again',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET NOT NULL',
      {
        code: 'probe_refused',
        sqlState: '23502',
        object: 'probe: a message of a guest without a name',
        help: 'chatkeep migrate',
      },
    ],
    [
      'a key that is not unique',
      'DROP INDEX "ChatMessage_idempotencyKey_key"',
      { code: 'probe_refused', sqlState: '42P10', help: 'chatkeep migrate' },
    ],
    [
      'a label that is missing',
      `ALTER TYPE "MessageType" RENAME VALUE 'IMAGE' TO 'PICTURE'`,
      { code: 'probe_refused', sqlState: '22P02', object: "probe: an operator's answer, an image" },
    ],
    [
      'a column of another type',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "sessionId" TYPE uuid USING NULL',
      { code: 'probe_refused', sqlState: '42804' },
    ],
    [
      'a database in which sessions are read-only',
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
      { code: 'probe_read_only', sqlState: '25006' },
    ],
  ])('finds %s', async ([, breakage, finding], { database }) => {
    await migrated(database)
    await database.load(breakage)
    const { exitCode, found } = await probe(database)
    expect(found).toMatchObject([finding, ...found.slice(1).map(() => ({}))])
    expect(found.length).toBeGreaterThan(0)
    expect(exitCode).toBe(1)
    expect(await database.query(`SELECT count(*)::integer AS "n" FROM "ChatMessage"`)).toEqual([{ n: 0 }])
  })

  test('finds a trigger that dates messages back once they are stored', async ({ database }) => {
    await migrated(database)
    await database.load(`
      INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'client ' || g FROM generate_series(1, 201) AS g;
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType") SELECT "id", 'CLIENT', 'TEXT' FROM "Client";
      CREATE FUNCTION date_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE "ChatMessage" SET "createdAt" = '2001-01-01' WHERE "id" = NEW."id"; RETURN NULL;
      END $$;
      CREATE TRIGGER date_back AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION date_back()`)
    const { exitCode, found } = await probe(database)
    expect([exitCode, found]).toMatchObject([
      1,
      [
        {
          code: 'probe_chat_not_listed',
          help: String.raw`find the trigger responsible, in psql: \d "public"."ChatMessage"`,
        },
      ],
    ])
  })

  test('has only the rights of the role that is named', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name }) => {
      const role = name.replaceAll('"', '')
      const denied = await probe(database, role)
      expect(denied.found[0]).toMatchObject({ code: 'probe_refused', sqlState: '42501' })
      await typeSteps(database, denied.found[0]?.steps ?? [])
      expect((await probe(database, role)).found).toEqual([])
      await database.load('ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY')
      expect((await probe(database, role)).found[0]).toMatchObject({ code: 'probe_refused', sqlState: '42501' })
      await database.load(`
        CREATE POLICY say ON "ChatMessage" FOR INSERT WITH CHECK (true);
        CREATE POLICY hear ON "ChatMessage" FOR SELECT USING (true)`)
      expect((await probe(database, role)).found).toMatchObject([{ code: 'probe_not_marked_as_read' }])
    })
  })

  test('names a role that there is not, or that it may not be', async ({ database }) => {
    await migrated(database)
    const unknown = await on(database, 'verify', '--probe', 'nobody-at-all')
    expect(unknown.exitCode).toBe(2)
    expect(unknown.stderr).toContain('there is no role nobody-at-all')
  })

  test('contradicts a database that should be rolled back', async ({ database }) => {
    const { exitCode, stderr } = await on(database, 'verify', '--probe', '--expect', 'rolled-back')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--probe and --expect rolled-back exclude each other')
  })
})
