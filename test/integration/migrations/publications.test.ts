import { migrated, on } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'

const notesOf = async (database: TestDatabase, command: string): Promise<readonly string[]> => {
  const { stdout } = await on(database, command, '--dry-run', '--json')
  const { obstacles } = JSON.parse(stdout) as { obstacles: readonly { code: string; effect: string; text: string }[] }
  return obstacles.flatMap(({ code, effect, text }) => (code === 'table_replicated' ? [`${effect}: ${text}`] : []))
}

describe('a plan that changes the columns of a replicated table', () => {
  test.for([
    ['of the table', 'FOR TABLE "ChatMessage"', 140_000],
    ['of its schema', 'FOR TABLES IN SCHEMA "public"', 150_000],
    ['of all tables', 'FOR ALL TABLES', 140_000],
  ] as const)('names its publications, and which side goes first: %s', async ([, of, since], { database }) => {
    await loadFixture(database, 'crm-before')
    const [server] = await database.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::integer AS version`,
    )
    if ((server?.version ?? 0) < since) return
    await database.query(`CREATE PUBLICATION "feed" ${of}`)
    expect(await notesOf(database, 'migrate')).toEqual([
      expect.stringMatching(
        /^note: "ChatMessage" is published by "feed": .* First run chatkeep migrate on each subscriber, then here$/,
      ),
    ])
    const { stderr } = await on(database, 'migrate')
    expect(stderr).toMatch(/^note +"ChatMessage" is published by "feed"/m)
    expect(await notesOf(database, 'migrate')).toEqual([])
    const [rollback] = await notesOf(database, 'rollback')
    expect(rollback).toMatch(
      /^note: "ChatMessage" is published by "feed": first run chatkeep rollback here, then on each subscriber/,
    )
    const unconfirmed = await on(database, 'rollback')
    expect([unconfirmed.exitCode, unconfirmed.stderr]).toEqual([
      5,
      expect.stringMatching(/^note +"ChatMessage" is pub/m),
    ])
  })

  test('says how a subscriber of all tables gets those of the archive', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.query('CREATE PUBLICATION "all" FOR ALL TABLES')
    const [, archive] = await notesOf(database, 'rollback')
    expect(archive).toMatch(/^note: "all" publishes the tables of the archive, too/)
    const sql = archive?.replace(/^.*dropped them\): /, '') ?? ''
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    const columns = `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relnamespace = 'chatkeep'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'archive%' ORDER BY 1, a.attnum`
    const made = await database.query(columns)
    expect(await notesOf(database, 'migrate')).toContainEqual(expect.stringContaining(sql))
    await database.load(`DROP TABLE chatkeep.archive, chatkeep.archived_clients; ${sql}`)
    expect(await database.query(columns)).toEqual(made)
  })

  test('says that a publication with a column list does not send the new columns', async ({ database }) => {
    const [server] = await database.query<{ lists: boolean }>(
      `SELECT current_setting('server_version_num')::integer >= 150000 AS lists`,
    )
    await loadFixture(database, 'crm-before')
    if (server?.lists !== true) return
    await database.query('CREATE PUBLICATION "few" FOR TABLE "ChatMessage" ("id", "text")')
    expect(await notesOf(database, 'migrate')).toEqual([
      expect.stringMatching(
        /^note: "few" publishes a list of columns of "ChatMessage" and does not send the new ones; /,
      ),
    ])
    await on(database, 'migrate')
    expect(await notesOf(database, 'rollback')).toEqual([])
  })

  test('says that a publication with a row filter may leave out messages without client', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const [server] = await database.query<{ filters: boolean }>(
      `SELECT current_setting('server_version_num')::integer >= 150000 AS filters`,
    )
    if (server?.filters !== true) return
    await database.query(
      `CREATE PUBLICATION "Some" FOR TABLE "ChatMessage" WHERE ("clientId" > 0) WITH (publish = 'insert')`,
    )
    expect(await notesOf(database, 'migrate')).toContainEqual(
      'note: "Some" sends only messages WHERE ("clientId" > 0): check that the messages without client are among them',
    )
  })

  test('says that a subscriber goes first', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(`CREATE SUBSCRIPTION "in" CONNECTION '' PUBLICATION "feed" WITH (connect = false, slot_name = NONE);
      INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, '"ChatMessage"'::regclass, 'r' FROM pg_subscription WHERE subname = 'in'`)
    try {
      expect(await notesOf(database, 'migrate')).toEqual([
        'note: "ChatMessage" receives rows through the subscription "in": run chatkeep migrate here first, then on the publisher',
      ])
    } finally {
      await database.query('DROP SUBSCRIPTION "in"')
    }
  })
})
