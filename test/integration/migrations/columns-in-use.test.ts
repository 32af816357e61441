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
  { sql: 'CREATE VIEW v1 AS SELECT "guestUsername" FROM "ChatMessage"', text: `view v1 uses ${G}` },
  {
    sql: 'CREATE MATERIALIZED VIEW v2 AS SELECT "guestPhone" FROM "ChatMessage"',
    text: `materialized view v2 uses ${P}`,
  },
  {
    sql: `CREATE RULE r1 AS ON UPDATE TO "ChatMessage" WHERE NEW."guestUsername" = 'q' DO ALSO SELECT 1`,
    text: `rule r1 on table "ChatMessage" uses ${G}`,
  },
  {
    sql: 'CREATE FUNCTION f1(integer) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM "ChatMessage" WHERE "guestUsername" IS NULL; END',
    text: `function f1(integer) uses ${G}`,
  },
  {
    sql: 'CREATE POLICY p1 ON "ChatMessage" USING ("guestUsername" IS NULL)',
    text: `policy p1 on table "ChatMessage" uses ${G}`,
  },
  {
    sql: 'CREATE TRIGGER t1 AFTER UPDATE OF "guestPhone" ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION noted()',
    text: `trigger t1 on table "ChatMessage" uses ${P}`,
  },
  {
    sql: 'CREATE TRIGGER t2 AFTER INSERT ON "ChatMessage" FOR EACH ROW WHEN (NEW."guestPhone" IS NOT NULL) EXECUTE FUNCTION noted()',
    text: `trigger t2 on table "ChatMessage" uses ${P}`,
  },
  {
    sql: 'CREATE PUBLICATION "@1" FOR TABLE "ChatMessage" (id, "guestUsername")',
    text: `publication of table "ChatMessage" in publication "@1" uses ${G}`,
    since: 150_000,
  },
  {
    sql: 'CREATE PUBLICATION "@2" FOR TABLE "ChatMessage" WHERE ("guestUnverified")',
    text: 'publication of table "ChatMessage" in publication "@2" uses "ChatMessage"."guestUnverified"',
    since: 150_000,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD COLUMN g1 text GENERATED ALWAYS AS (upper("guestUsername")) STORED',
    text: `column g1 of table "ChatMessage" uses ${G}`,
    goesIn14: true,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD COLUMN g2 text GENERATED ALWAYS AS (upper("guestUsername")) VIRTUAL',
    text: `column g2 of table "ChatMessage" uses ${G}`,
    since: 180_000,
  },
  {
    sql: 'CREATE TABLE r2 (k text REFERENCES "ChatMessage" ("idempotencyKey"))',
    text: 'constraint r2_k_fkey on table r2 uses "ChatMessage"."idempotencyKey"',
  },
  {
    sql: `ALTER TABLE "ChatMessage" ADD CONSTRAINT c1 CHECK ("guestUsername" <> 'x')`,
    text: `constraint c1 on table "ChatMessage" uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD CONSTRAINT c2 CHECK ("guestUsername" <> "guestPhone")',
    text: `constraint c2 on table "ChatMessage" uses ${P} and ${G}, and would be dropped with it`,
  },
  {
    sql: 'ALTER TABLE "ChatMessage" ADD CONSTRAINT c3 EXCLUDE USING btree ("guestUsername" WITH =) WHERE (false)',
    text: `constraint c3 on table "ChatMessage" uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'CREATE INDEX i1 ON "ChatMessage" ("text") WHERE "guestUsername" IS NOT NULL',
    text: `index i1 uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'CREATE INDEX i2 ON "ChatMessage" (upper("guestUsername"))',
    text: `index i2 uses ${G}, and would be dropped with it`,
  },
  {
    sql: 'CREATE STATISTICS s1 ON "guestUsername", "text" FROM "ChatMessage"',
    text: `statistics object s1 uses ${G}, and would be dropped with it`,
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
  for (const text of texts) await database.query(text.replace(/^.*; first: /, ''))
  const after = await on(database, 'rollback', '--confirm', database.name, ...argv)
  expect(after.exitCode, after.stderr).toBe(0)
}

describe('a rollback that would break or take something of the application', () => {
  test('names every kind of it before the first change, and what to run first', async ({ database }) => {
    await migrated(database)
    await database.load(`CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
    const [server] = await database.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::integer AS version`,
    )
    const here = (text: string): string => text.replace('@', `${database.name}_`)
    const kinds = KINDS.filter(({ since = 0 }) => (server?.version ?? 0) >= since)
    const textOf = ({ text, goesIn14 }: Kind): string =>
      goesIn14 === true && (server?.version ?? 0) < 150_000 ? `${text}, and would be dropped with it` : text
    for (const { sql } of kinds) await database.load(here(sql))
    const texts = await refusalsOf(database)
    expect(texts.map((text) => text.replace(/; first: .*$/, '').replaceAll(/"(\w+_\d)"/g, '$1')).toSorted()).toEqual(
      kinds.map((kind) => here(textOf(kind)).replaceAll(/"(\w+_\d)"/g, '$1')).toSorted(),
    )
    await expectWayOut(database, texts)
  })

  test.for([
    [
      'a foreign key to the unique index, where the column stays',
      'CREATE TABLE r (k text REFERENCES "ChatMessage" ("idempotencyKey"))',
      'constraint r_k_fkey on table r uses the index "ChatMessage_idempotencyKey_key"',
      ['--to', '5'],
    ],
    [
      'a constraint made of the unique index',
      'ALTER TABLE "ChatMessage" ADD CONSTRAINT "ChatMessage_idempotencyKey_key" UNIQUE USING INDEX "ChatMessage_idempotencyKey_key"',
      'constraint ChatMessage_idempotencyKey_key on table "ChatMessage" uses',
      [],
    ],
    [
      'a replica identity',
      `DELETE FROM "ChatMessage"; ALTER TABLE "ChatMessage" ALTER COLUMN "idempotencyKey" SET NOT NULL;
       ALTER TABLE "ChatMessage" REPLICA IDENTITY USING INDEX "ChatMessage_idempotencyKey_key"`,
      'the replica identity of "ChatMessage" uses the index "ChatMessage_idempotencyKey_key"',
      [],
    ],
  ] as const)('names %s', async ([, sql, text, argv], { database }) => {
    await migrated(database)
    await database.load(sql)
    const texts = await refusalsOf(database, ...argv)
    expect(texts).toEqual([expect.stringContaining(text)])
    await expectWayOut(database, texts, ...argv)
  })

  test('notes what is lost without harm to a row', async ({ database }) => {
    await migrated(database)
    await database.load(`GRANT SELECT ("guestPhone") ON "ChatMessage" TO pg_monitor;
      ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_clientId_fkey";
      ALTER TABLE "ChatMessage" ADD CONSTRAINT "nulling" FOREIGN KEY ("clientId") REFERENCES "Client" ON DELETE SET NULL`)
    const { stdout } = await on(database, 'rollback', '--dry-run')
    expect(stdout).toContain(`note     privileges on ${P} go with the column (granted to pg_monitor)`)
    expect(stdout).toContain('note     "nulling" sets "clientId" to NULL when a client is deleted')
    expect(await refusalsOf(database)).toEqual([])
  })
})
