import { migrated, on } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { catalogOf } from '../../support/database-state.js'

interface Kind {
  readonly sql: string
  /** What the plan says, up to the way out. */
  readonly text: string
  /** The first server version that has it. */
  readonly since?: number
  /** PostgreSQL 14 drops it with the column, without a word; later versions refuse. */
  readonly goesIn14?: true
}

const G = '"ChatMessage"."guestUsername"'
const P = '"ChatMessage"."guestPhone"'

const KINDS: readonly Kind[] = [
  { sql: 'CREATE VIEW v1 AS SELECT "guestUsername" FROM "ChatMessage"', text: `view public.v1 uses ${G}` },
  {
    sql: 'CREATE MATERIALIZED VIEW v2 AS SELECT "guestPhone" FROM "ChatMessage"',
    text: `materialized view public.v2 uses ${P}`,
  },
  {
    sql: `CREATE RULE r1 AS ON UPDATE TO "ChatMessage" WHERE NEW."guestUsername" = 'q' DO ALSO SELECT 1`,
    text: `rule r1 on public."ChatMessage" uses ${G}`,
  },
  {
    sql: 'CREATE FUNCTION f1(integer) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM "ChatMessage" WHERE "guestUsername" IS NULL; END',
    text: `function public.f1(integer) uses ${G}`,
  },
  {
    sql: 'CREATE POLICY p1 ON "ChatMessage" USING ("guestUsername" IS NULL)',
    text: `policy p1 on public."ChatMessage" uses ${G}`,
  },
  {
    sql: 'CREATE TRIGGER t1 AFTER UPDATE OF "guestPhone" ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION noted()',
    text: `trigger t1 on public."ChatMessage" uses ${P}`,
  },
  {
    sql: 'CREATE TRIGGER t2 AFTER INSERT ON "ChatMessage" FOR EACH ROW WHEN (NEW."guestPhone" IS NOT NULL) EXECUTE FUNCTION noted()',
    text: `trigger t2 on public."ChatMessage" uses ${P}`,
  },
  {
    sql: 'CREATE PUBLICATION "@1" FOR TABLE "ChatMessage" (id, "guestUsername")',
    text: `column list of publication @1 uses ${G}`,
    since: 150_000,
  },
  {
    sql: 'CREATE PUBLICATION "@2" FOR TABLE "ChatMessage" WHERE ("guestUnverified")',
    text: 'row filter of publication @2 uses "ChatMessage"."guestUnverified"',
    since: 150_000,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD COLUMN g1 text GENERATED ALWAYS AS (upper("guestUsername")) STORED',
    text: `generated column public."ChatMessage".g1 uses ${G}`,
    goesIn14: true,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD COLUMN g2 text GENERATED ALWAYS AS (upper("guestUsername")) VIRTUAL',
    text: `generated column public."ChatMessage".g2 uses ${G}`,
    since: 180_000,
  },
  {
    sql: 'CREATE TABLE r2 (k text REFERENCES "ChatMessage" ("idempotencyKey"))',
    text: 'constraint r2_k_fkey on public.r2 uses "ChatMessage"."idempotencyKey"',
  },
  {
    sql: `ALTER TABLE "ChatMessage" ADD CONSTRAINT c1 CHECK ("guestUsername" <> 'x')`,
    text: `constraint c1 on public."ChatMessage" uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD CONSTRAINT c2 CHECK ("guestUsername" <> "guestPhone")',
    text: `constraint c2 on public."ChatMessage" uses ${P} and ${G}, and would be dropped with it`,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD CONSTRAINT c3 EXCLUDE USING btree ("guestUsername" WITH =) WHERE (false)',
    text: `constraint c3 on public."ChatMessage" uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'CREATE INDEX i1 ON "ChatMessage" ("text") WHERE "guestUsername" IS NOT NULL',
    text: `index public.i1 uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'CREATE INDEX i2 ON "ChatMessage" (upper("guestUsername"))',
    text: `index public.i2 uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'CREATE STATISTICS s1 ON "guestUsername", "text" FROM "ChatMessage"',
    text: `statistics object public.s1 uses ${G}, and would be dropped with it`,
  },
]

const refusalsOf = async (database: TestDatabase, ...argv: readonly string[]): Promise<readonly string[]> => {
  const { exitCode, stdout } = await on(database, 'rollback', '--dry-run', '--json', ...argv)
  const { obstacles } = JSON.parse(stdout) as { obstacles: readonly { code: string; effect: string; text: string }[] }
  const found = obstacles.filter(({ code, effect }) => code === 'column_in_use' && effect === 'refused')
  expect(exitCode).toBe(found.length === 0 ? 0 : 5)
  return found.map(({ text }) => text)
}

/** Refused with nothing changed; then runs the statements that the refusals print. */
const expectWayOut = async (
  database: TestDatabase,
  texts: readonly string[],
  ...argv: readonly string[]
): Promise<void> => {
  const before = await catalogOf(database)
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name, ...argv)
  expect([exitCode, stderr]).toEqual([5, expect.stringContaining('columns that the rollback drops are in use')])
  expect(await catalogOf(database)).toEqual(before)
  for (const text of texts) await database.query(text.replace(/^.*; first, in psql: /, ''))
  const after = await on(database, 'rollback', '--confirm', database.name, ...argv)
  expect(after.exitCode, after.stderr).toBe(0)
}

describe('a rollback that would break or take something of the application', () => {
  test('names every kind that the server rejects or drops silently, and what to run first', async ({ database }) => {
    await migrated(database)
    await database.load(`CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
    const [server] = await database.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::integer AS version`,
    )
    const here = (text: string): string => text.replace('@', `${database.name}_`)
    const kinds = KINDS.filter(({ since = 0 }) => (server?.version ?? 0) >= since)
    const textOf = ({ text, goesIn14 }: Kind): string =>
      goesIn14 === true && (server?.version ?? 0) < 150_000
        ? `${text.replace('generated ', '')}, and would be dropped with it`
        : text
    for (const kind of kinds) {
      const column = /"ChatMessage"\."(\w+)"(?:, |$)/.exec(textOf(kind))?.[1] ?? ''
      const drop = database.load(
        `BEGIN; ${here(kind.sql)}; ALTER TABLE "ChatMessage" DROP COLUMN "${column}"; ROLLBACK`,
      )
      await (textOf(kind).endsWith('dropped with it')
        ? expect(drop, kind.sql).resolves.toBeUndefined()
        : expect(drop, kind.sql).rejects.toMatchObject({ code: '2BP01' }))
      await database.query('ROLLBACK')
    }
    for (const { sql } of kinds) await database.load(here(sql))
    const texts = await refusalsOf(database)
    expect(texts.map((text) => text.replace(/; first, in psql: .*$/, '')).toSorted()).toEqual(
      kinds.map((kind) => here(textOf(kind))).toSorted(),
    )
    await expectWayOut(database, texts)
  })

  test.for([
    [
      'a foreign key to the unique index, where the column stays',
      'CREATE TABLE r (k text REFERENCES "ChatMessage" ("idempotencyKey"))',
      'constraint r_k_fkey on public.r uses the index "ChatMessage_idempotencyKey_key"',
      ['--to', '5'],
    ],
    [
      'a constraint made of the unique index',
      'ALTER TABLE "ChatMessage" ADD CONSTRAINT "ChatMessage_idempotencyKey_key" UNIQUE USING INDEX "ChatMessage_idempotencyKey_key"',
      'constraint "ChatMessage_idempotencyKey_key" on public."ChatMessage" uses',
      [],
    ],
    [
      'a replica identity',
      `DELETE FROM "ChatMessage"; ALTER TABLE "ChatMessage" ALTER COLUMN "idempotencyKey" SET NOT NULL;
       ALTER TABLE "ChatMessage" REPLICA IDENTITY USING INDEX "ChatMessage_idempotencyKey_key"`,
      'the replica identity of "ChatMessage" uses the index "ChatMessage_idempotencyKey_key"',
      [],
    ],
    [
      'an index of the application under a name of chatkeep',
      'DROP INDEX "ChatMessage_unread_idx"; CREATE INDEX "ChatMessage_unread_idx" ON "ChatMessage" ("text")',
      `index "ChatMessage_unread_idx" is not chatkeep's (index on "ChatMessage" btree (text)), and would be dropped`,
      [],
    ],
    [
      'such an index on a column that would be dropped',
      'DROP INDEX "ChatMessage_unread_idx"; CREATE INDEX "ChatMessage_unread_idx" ON "ChatMessage" ("guestPhone")',
      `index public."ChatMessage_unread_idx" uses ${P}, and would be dropped with it`,
      [],
    ],
    [
      'a table that stores whole messages',
      `CREATE TABLE "log" ("old" "ChatMessage"); INSERT INTO "log" SELECT m FROM "ChatMessage" AS m`,
      'column public.log.old stores rows of "ChatMessage", and would lose the dropped columns',
      [],
    ],
    [
      'a table that stores them in arrays, domains and types of its own',
      `CREATE DOMAIN "proven" AS "ChatMessage"; CREATE TYPE "change" AS ("by" text, "rows" "proven"[]);
       CREATE TABLE "log" ("change" "change")`,
      'column public.log.change stores rows of "ChatMessage"',
      [],
    ],
    [
      'a table that inherits from messages, with a view on it',
      'CREATE TABLE "old" () INHERITS ("ChatMessage"); CREATE VIEW "v" AS SELECT "guestPhone" FROM "old"',
      'table public.old inherits from "ChatMessage": its columns would go, and it is not archived',
      [],
    ],
    [
      'a trigger whose function calls one that has a column in its text',
      `CREATE FUNCTION phone_of(m "ChatMessage") RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN m."guestPhone"; END';
       CREATE FUNCTION calling() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM Phone_Of(NEW); RETURN NEW; END';
       CREATE TRIGGER "calling" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION calling()`,
      'trigger calling of "ChatMessage" runs public.calling(), and so function public.phone_of(public."ChatMessage"), which has "guestPhone" in its text: without it, writes may fail',
      [],
    ],
    [
      'a trigger of another table whose function writes a column',
      `CREATE FUNCTION renaming() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN UPDATE "ChatMessage" SET "guestUsername" = NEW."username" WHERE "clientId" = NEW."id"; RETURN NULL; END';
       CREATE TRIGGER "renaming" AFTER UPDATE ON "Client" FOR EACH ROW EXECUTE FUNCTION renaming()`,
      'trigger renaming of "Client" runs public.renaming(), which has "guestUsername" in its text: without it, writes may fail',
      [],
    ],
    [
      'a trigger whose function has a column in its text',
      `CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN NEW."text" := coalesce(NEW."guestUsername", NEW."text"); RETURN NEW; END';
       CREATE TRIGGER "Loud" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION loud()`,
      'trigger "Loud" of "ChatMessage" runs public.loud(), which has "guestUsername" in its text: without it, writes may fail',
      [],
    ],
    [
      'a table from which messages inherit a column',
      'CREATE TABLE "base" ("guestPhone" text); ALTER TABLE "ChatMessage" INHERIT "base"',
      `${P} comes from public.base, and cannot be dropped`,
      [],
    ],
  ] as const)('names %s', async ([, sql, text, argv], { database }) => {
    await migrated(database)
    await database.load(sql)
    const texts = await refusalsOf(database, ...argv)
    expect(texts).toEqual([expect.stringContaining(text)])
    await expectWayOut(database, texts, ...argv)
  })

  test('names what uses a user of a column, in an order in which the statements work', async ({ database }) => {
    await migrated(database)
    await database.load(`
      CREATE VIEW v1 AS SELECT "guestUsername" FROM "ChatMessage";
      CREATE VIEW v2 AS SELECT * FROM v1;
      CREATE MATERIALIZED VIEW a0 AS SELECT * FROM v2;
      CREATE FUNCTION of_row(v1) RETURNS integer LANGUAGE sql AS 'SELECT 1';
      CREATE TABLE rows_of ("x" v2, "y" v2[]);
      CREATE FUNCTION f1() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count("guestPhone") FROM "ChatMessage"; END;
      CREATE TABLE uses_f1 ("n" bigint DEFAULT f1(), CONSTRAINT "checked" CHECK ("n" <> f1()));
      CREATE DOMAIN d1 AS bigint CONSTRAINT "checked" CHECK (VALUE <> f1());
      CREATE UNIQUE INDEX i1 ON "ChatMessage" ("guestUsername", "id");
      CREATE TABLE refers ("g" text, "i" integer, CONSTRAINT "to_i1" FOREIGN KEY ("g", "i") REFERENCES "ChatMessage" ("guestUsername", "id"))`)
    const texts = await refusalsOf(database)
    expect(texts.map((text) => text.replace(/; first, in psql: .*$/, ''))).toEqual([
      'column public.rows_of.x uses view public.v2',
      'column public.rows_of.y uses view public.v2',
      'materialized view public.a0 uses view public.v2',
      'constraint checked on public.uses_f1 uses function public.f1()',
      'constraint to_i1 on public.refers uses index public.i1',
      'default of column public.uses_f1.n uses function public.f1()',
      'domain constraint checked on public.d1 uses function public.f1()',
      'function public.of_row(public.v1) uses view public.v1',
      'view public.v2 uses view public.v1',
      `function public.f1() uses ${P}`,
      `index public.i1 uses ${G}, and would be dropped with it`,
      `view public.v1 uses ${G}`,
    ])
    await expectWayOut(database, texts)
  })

  test('shortens a column list in place, and publishes no row that its filter held back', async ({ database }) => {
    const [server] = await database.query<{ lists: boolean }>(
      `SELECT current_setting('server_version_num')::integer >= 150000 AS lists`,
    )
    await migrated(database)
    if (server?.lists !== true) return
    await database.load(`CREATE PUBLICATION "listed" FOR TABLE "ChatMessage" ("id", "text", "guestPhone"), "Client";
      CREATE PUBLICATION "filtered" FOR TABLE "ChatMessage" WHERE ("guestUnverified"), "Client"`)
    await expectWayOut(database, await refusalsOf(database))
    expect(
      await database.query(`SELECT pubname, tablename, attnames::text FROM pg_publication_tables
        WHERE tablename = 'ChatMessage' ORDER BY 1, 2`),
    ).toEqual([{ pubname: 'listed', tablename: 'ChatMessage', attnames: '{id,text}' }])
  })

  test('refuses where a publication makes the server reject its updates', async ({ database }) => {
    await migrated(database)
    await database.load(`INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('zoe', 'CLIENT', 'TEXT');
      CREATE PUBLICATION "feed" FOR TABLE "ChatMessage"; ALTER TABLE "ChatMessage" REPLICA IDENTITY NOTHING`)
    const before = await catalogOf(database)
    const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('the server rejects updates of messages')])
    expect(await catalogOf(database)).toEqual(before)
    await database.query(/hint: in psql: (.*)/.exec(stderr)?.[1] ?? '')
    const after = await on(database, 'rollback', '--confirm', database.name)
    expect(after.exitCode, after.stderr).toBe(0)
  })

  test('notes what is lost without harm to a row', async ({ database }) => {
    await migrated(database)
    await database.load(`GRANT SELECT ("guestPhone") ON "ChatMessage" TO pg_monitor;
      COMMENT ON COLUMN "ChatMessage"."guestPhone" IS 'ours'; COMMENT ON INDEX "ChatMessage_unread_idx" IS 'ours';
      ALTER TABLE "ChatMessage" ALTER COLUMN "guestUsername" SET DEFAULT 'somebody';
      ALTER TABLE "ChatMessage" CLUSTER ON "ChatMessage_guestUsername_createdAt_idx";
      CREATE FUNCTION guests() RETURNS bigint LANGUAGE plpgsql AS
        'BEGIN RETURN (SELECT count("guestPhone") FROM "ChatMessage" WHERE "guestUsername" IS NOT NULL); END';
      CREATE FUNCTION careful() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW."text" := coalesce(to_jsonb(NEW) ->> ''guestUsername'', NEW."text"); RETURN NEW; END';
      CREATE TRIGGER "careful" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION careful();
      ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_clientId_fkey";
      ALTER TABLE "ChatMessage" ADD CONSTRAINT "nulling" FOREIGN KEY ("clientId") REFERENCES "Client"
        ON DELETE SET NULL ON UPDATE SET DEFAULT`)
    const { stdout } = await on(database, 'rollback', '--dry-run')
    const notes = [...stdout.matchAll(/^note {5}(.*)$/gm)].map(([, text]) => text)
    expect(notes).toEqual([
      'function public.guests() has "guestPhone" and "guestUsername" in its text, and may fail without it',
      '"ChatMessage" is clustered on "ChatMessage_guestUsername_createdAt_idx": after the drop, CLUSTER needs another index',
      `the application's comment on "ChatMessage_unread_idx" is dropped with it`,
      `the application's comment on "guestPhone" is dropped with it`,
      `the default of ${G} goes with the column ('somebody'::text); migrate does not set it again`,
      `privileges on ${P} go with the column (granted to pg_monitor); migrate does not grant them again`,
      '"nulling" sets "clientId" to NULL when a client is deleted: once the column is NOT NULL again, such a DELETE fails',
      '"nulling" sets "clientId" to NULL when a client gets another id: once the column is NOT NULL again, such an UPDATE fails',
    ])
    const { exitCode, stderr } = await on(database, 'rollback')
    expect(exitCode).toBe(5)
    for (const text of notes) expect(stderr).toContain(text)
    expect(await refusalsOf(database)).toEqual([])
  })
})
