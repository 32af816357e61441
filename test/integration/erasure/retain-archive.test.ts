import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'

/** Of 2024 and of 2026: ten messages of a guest, and five of nobody, which a rollback takes out of the table. */
const loadRolledBack = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.load(`
    INSERT INTO "ChatMessage" ("guestUsername", "guestPhone", "senderType", "messageType", "text", "createdAt", "idempotencyKey")
    SELECT CASE WHEN n > 5 THEN 'gina ' || y END, '+' || n, 'CLIENT', 'TEXT', 'of ' || y, make_timestamp(y, 3, n, 12, 0, 0), y || ' ' || n
    FROM generate_series(1, 15) AS n, unnest(ARRAY[2024, 2026]) AS y`)
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
}

/** How many messages of each year there are after the next migrate, in the table and with a name. */
const restored = async (database: TestDatabase): Promise<unknown> => {
  const migrate = await on(database, 'migrate')
  expect(migrate.exitCode, migrate.stderr).toBe(0)
  expect((await on(database, 'verify')).exitCode).toBe(0)
  return database.query(`
    SELECT "text", count(*)::integer AS "messages", count("guestUsername")::integer AS "named" FROM "ChatMessage" GROUP BY 1 ORDER BY 1`)
}

const ONLY_NEW = [{ text: 'of 2026', messages: 15, named: 10 }]

describe('the archive of a rollback', () => {
  test('loses what it has of messages of that age, and migrate puts back the others', async ({ database }) => {
    await loadRolledBack(database)
    const argv = ['retain', '--older-than', '2025-01-01'] as const
    const preview = await on(database, ...argv, '--dry-run')
    expect(preview.stdout).toMatch(/ 2024-03 \|\s+10\n/)
    expect(preview.stdout).toContain(
      'archive of the rollback: 15 rows of messages of that age deleted as well, 5 of them whole messages that are nowhere else',
    )
    const done = await on(database, ...argv, '--confirm', database.name)
    expect([done.exitCode, done.stdout]).toEqual([
      0,
      expect.stringContaining('ok: 15 messages deleted, 15 rows of the archive of the rollback'),
    ])
    expect((await on(database, ...argv, '--confirm', database.name)).stdout).toContain('ok: no message is older than')
    expect(await database.query(`SELECT FROM "chatkeep"."archive"`)).toHaveLength(15)
    expect((await on(database, 'migrate', '--history')).stdout).toMatch(/retain: in the archive/)
    expect(await restored(database)).toEqual(ONLY_NEW)
  })

  test('loses them when nothing else is that old, and for a store, which counts the whole messages', async ({
    database,
  }) => {
    await loadRolledBack(database)
    await database.query(`DELETE FROM "ChatMessage" WHERE "createdAt" < '2024-03-10'`)
    await withStore(database, async (store) => {
      expect(await store.deleteMessagesBefore(new Date('2024-03-10T00:00:00Z'))).toBe(5)
      expect(await store.deleteMessagesBefore(new Date('2024-03-10T00:00:00Z'))).toBe(0)
      expect(await store.deleteMessagesBefore(new Date('2025-01-01T00:00:00Z'))).toBe(6)
    })
    expect(await restored(database)).toEqual(ONLY_NEW)
  })

  test('loses a row by its own time, where the application changed that of the message: migrate gives it back to none', async ({
    database,
  }) => {
    await loadRolledBack(database)
    await database.query(`
      UPDATE "ChatMessage" SET "createdAt" = "createdAt" + CASE WHEN "createdAt" < '2025-01-01' THEN 1 ELSE -1 END * interval '2 years'
      WHERE extract(day FROM "createdAt") = 6`)
    const done = await on(database, 'retain', '--older-than', '2025-01-01', '--confirm', database.name)
    expect(done.stdout).toContain('ok: 15 messages deleted, 15 rows of the archive of the rollback')
    expect(await restored(database)).toEqual([
      { text: 'of 2024', messages: 1, named: 0 },
      { text: 'of 2026', messages: 14, named: 9 },
    ])
  })

  test('that somebody changed stays recognisable as changed', async ({ database }) => {
    await loadRolledBack(database)
    await database.query(`UPDATE "chatkeep"."archive" SET "guestUsername" = 'x' WHERE "createdAt" > '2026-01-01'`)
    const argv = ['retain', '--older-than', '2025-01-01', '--confirm', database.name]
    expect((await on(database, ...argv)).exitCode).toBe(0)
    expect((await on(database, 'migrate')).stderr).toContain('the archive of the last rollback was modified')
  })
})
