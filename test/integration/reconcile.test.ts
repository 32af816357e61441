import { migrated, on } from '../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'

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
    expect(stdout).toContain('2 messages left: for their guests no client could be found or made')
    expect(stdout).toContain('1 message left: they name no guest')
  })

  test('names the command where the database was not migrated', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { exitCode, stderr } = await on(database, 'reconcile')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('hint: chatkeep migrate')])
  })
})
