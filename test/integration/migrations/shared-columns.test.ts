import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { catalogOf } from '../../support/database-state.js'
import { loadFixture } from '../../support/fixtures.js'

describe('a migrate whose statements another table would prevent', () => {
  test.for([
    [
      'a table that stores whole messages',
      'CREATE TABLE "log" ("old" "ChatMessage"[])',
      'column public.log.old stores rows of "ChatMessage", so the server adds no column with a default',
    ],
    [
      'a partitioned table of which messages are a partition',
      `CREATE TABLE "all" (LIKE "ChatMessage") PARTITION BY RANGE ("id");
       ALTER TABLE "all" ATTACH PARTITION "ChatMessage" DEFAULT`,
      '"ChatMessage" is a partition of public."all": its columns cannot be changed on their own',
    ],
    [
      'a table from which messages inherit their client',
      'CREATE TABLE "base" ("clientId" integer NOT NULL); ALTER TABLE "ChatMessage" INHERIT "base"',
      '"ChatMessage" inherits "clientId" from public.base: its columns cannot be changed on their own',
    ],
  ] as const)('is refused before the first change, with the way out: %s', async ([, sql, text], { database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(sql)
    const before = await catalogOf(database)
    const plan = await on(database, 'migrate', '--dry-run')
    expect([plan.exitCode, plan.stdout]).toEqual([5, expect.stringContaining(`refused  ${text}\n`)])
    const refused = await on(database, 'migrate')
    expect([refused.exitCode, refused.stderr]).toEqual([5, expect.stringContaining(text)])
    expect(await catalogOf(database)).toEqual(before)
    await database.query(/first, in psql: (.*)$/m.exec(plan.stdout)?.[1] ?? '')
    const after = await on(database, 'migrate')
    expect(after.exitCode, after.stderr).toBe(0)
  })

  test('is refused when the table has had too many columns', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const columns = Array.from({ length: 1_583 }, (_none, n) => `c${n}`)
    await database.query(`ALTER TABLE "ChatMessage" ${columns.map((column) => `ADD "${column}" boolean`).join(', ')}`)
    await database.query(`ALTER TABLE "ChatMessage" ${columns.map((column) => `DROP "${column}"`).join(', ')}`)
    const { exitCode, stdout } = await on(database, 'migrate', '--dry-run')
    expect([exitCode, stdout]).toEqual([5, expect.stringContaining('"ChatMessage" has had 1597 columns')])
  })

  test('is refused while pg_repack rewrites messages, whose log may not be changed', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(
      'CREATE SCHEMA repack; CREATE TABLE repack.log_1 ("id" bigserial PRIMARY KEY, "row" "ChatMessage")',
    )
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('wait until pg_repack is done with "ChatMessage"')])
    expect(stderr).not.toContain('ALTER TABLE')
  })

  test('is refused where it would restore an archive and the server rejects updates', async ({ database }) => {
    await migrated(database)
    await database.query(
      `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('zoe', 'CLIENT', 'TEXT')`,
    )
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    await database.load(
      'CREATE PUBLICATION "feed" FOR TABLE "ChatMessage"; ALTER TABLE "ChatMessage" REPLICA IDENTITY NOTHING',
    )
    const before = await catalogOf(database)
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([
      5,
      expect.stringContaining('the server rejects every UPDATE and DELETE of "public"."ChatMessage"'),
    ])
    expect(await catalogOf(database)).toEqual(before)
  })

  test('only notes rejected updates where it makes none', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(
      'CREATE PUBLICATION "feed" FOR TABLE "ChatMessage"; ALTER TABLE "ChatMessage" REPLICA IDENTITY NOTHING',
    )
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^note +the server rejects every UPDATE and DELETE of "public"\."ChatMessage", which "feed" publishes: no /m,
      ),
    ])
  })
})
