import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadPeople, peopleLeft } from '../../support/erasure-people.js'

/** The same, with a message that a rollback can keep in its archive only. */
const loadRolledBack = async (database: TestDatabase, ...flags: readonly string[]): Promise<void> => {
  await loadPeople(database)
  await database.load(`
    INSERT INTO "ChatMessage" ("guestPhone", "senderType", "messageType", "text") VALUES ('+2', 'CLIENT', 'TEXT', 'nobody'), ('+9', 'CLIENT', 'TEXT', 'else')`)
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name, ...flags)
  expect(exitCode, stderr).toBe(0)
}

const restored = async (database: TestDatabase): Promise<Record<string, unknown>> => {
  const migrate = await on(database, 'migrate')
  expect(migrate.exitCode, migrate.stderr).toBe(0)
  expect((await on(database, 'verify')).exitCode).toBe(0)
  return peopleLeft(database)
}

const archivedRows = (database: TestDatabase): Promise<unknown> =>
  database.query(`SELECT count(*)::integer AS rows FROM "chatkeep"."archive"`)

describe('the archive of a rollback', () => {
  test('loses a person, and migrate puts back the others', async ({ database }) => {
    await loadRolledBack(database)
    const preview = await on(database, 'erase', '--phone', '+2', '--dry-run')
    expect(preview.stdout).toContain('client 4 (made of a guest): deleted')
    expect(preview.stdout).toMatch(/^304 messages, .* of texts and images; 101 of them answers of operators$/m)
    expect(preview.stdout).toContain('note: 1 message of them only in the archive of the rollback\n')
    expect(preview.stdout).toContain('"chatkeep"."archive": 303 rows\n"chatkeep"."archived_clients": 1 row\n')
    const { stdout: exported, stderr } = await on(database, 'export', '--phone', '+2')
    expect(stderr).toMatch(/^note: 1 message of them is a row of the archive .*\nexported: 304 messages$/m)
    expect(exported).toContain('"text":"nobody"')
    expect(exported.match(/"type":"message","id":"key \d+"/g)).toHaveLength(300)
    const argv = ['erase', '--phone', '+2', '--confirm', database.name]
    const done = await on(database, ...argv)
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining('ok: 304 messages deleted, 2 clients')])
    expect((await on(database, ...argv)).stdout).toContain('ok: the database holds nothing of this person')
    const history = await on(database, 'migrate', '--history')
    expect(history.stdout).toMatch(/erase: in the archive\n +outcome +done/)
    expect(await restored(database)).toEqual({ messages: 304, clients: ['ada', 'eve'], guests: 0 })
    expect(
      await database.query(`SELECT DISTINCT "text" FROM "ChatMessage" WHERE "clientId" IS DISTINCT FROM 1`),
    ).toEqual(expect.arrayContaining([{ text: 'else' }, { text: 'of eve' }, { text: 'secret' }]))
  })

  test('loses a registered client, whose messages are in it for their keys', async ({ database }) => {
    await loadRolledBack(database)
    await withStore(database, (store) => store.eraseContact({ clientIds: [1] }))
    expect(await restored(database)).toEqual({ messages: 306, clients: ['bea', 'eve'], guests: 1 })
  })

  test('loses the messages that wait for the id of a client who never came', async ({ database }) => {
    await migrated(database)
    const waiting = (clientId: number, text: string, guestUsername?: string) =>
      ({ clientId, text, guestUsername, senderType: 'CLIENT', messageType: 'TEXT' }) as const
    await withStore(database, async (store) => {
      await store.saveChatMessage(waiting(701, 'of nobody'))
      // The rollback links it to a client that it makes of the guest.
      await database.query(`INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text", "idempotencyKey")
        VALUES ('lola', 'CLIENT', 'TEXT', 'of lola', 'lola-1')`)
      await database.query(`INSERT INTO "chatkeep"."wanted_clients" ("idempotencyKey", "createdAt", "clientId")
        SELECT "idempotencyKey", "createdAt", 701 FROM "ChatMessage" WHERE "idempotencyKey" = 'lola-1'`)
      await store.saveChatMessage(waiting(702, 'of somebody else'))
    })
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    const argv = ['erase', '--client-id', '701']
    const preview = await on(database, ...argv, '--dry-run')
    expect(preview.stdout).toMatch(/^2 messages, /m)
    expect(preview.stdout).toContain('"chatkeep"."wanted_clients": 2 rows\n"chatkeep"."archive": 1 row\n')
    const exported = (await on(database, 'export', '--client-id', '701')).stdout
    expect(exported).toContain('"text":"of nobody"')
    expect(exported).toMatch(/"type":"message","id":"lola-1".*"text":"of lola"/)
    expect(exported).not.toContain('somebody else')
    const done = await on(database, ...argv, '--confirm', database.name)
    expect([done.exitCode, done.stdout], done.stderr).toEqual([0, expect.stringContaining('ok: 2 messages deleted')])
    expect((await on(database, ...argv, '--confirm', database.name)).stdout).toContain('holds nothing of this person')
    await restored(database)
    expect(await database.query('SELECT "text" FROM "ChatMessage"')).toEqual([{ text: 'of somebody else' }])
    expect(await database.query('SELECT "clientId"::integer FROM "chatkeep"."wanted_clients"')).toEqual([
      { clientId: 702 },
    ])
  })

  test('loses with a message the id that it waits for', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      for (const guestPhone of ['+701', '+702'])
        await store.saveChatMessage({
          ...{ senderType: 'CLIENT', messageType: 'TEXT', text: guestPhone, clientId: Number(guestPhone), guestPhone },
        })
    })
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    const done = await on(database, 'erase', '--phone', '+702', '--confirm', database.name)
    expect([done.exitCode, done.stdout], done.stderr).toEqual([
      0,
      expect.stringMatching(/ok: 1 message deleted, 0 clients deleted$/m),
    ])
    expect(await database.query('SELECT "clientId"::integer FROM "chatkeep"."wanted_clients"')).toEqual([
      { clientId: 701 },
    ])
  })

  test('stays recognisable as changed when somebody else changed it', async ({ database }) => {
    await loadRolledBack(database)
    await database.query(`UPDATE "chatkeep"."archive" SET "guestUsername" = 'bee' WHERE "messageId" = 2`)
    expect((await on(database, 'erase', '--username', 'bea', '--confirm', database.name)).exitCode).toBe(0)
    expect((await on(database, 'migrate')).stderr).toContain('the archive of the last rollback was modified')
  })

  test('of a rollback that kept the columns of guests loses a person, too', async ({ database }) => {
    await loadRolledBack(database, '--to', '4')
    expect((await on(database, 'erase', '--username', 'bea', '--confirm', database.name)).exitCode).toBe(0)
    expect(await archivedRows(database)).toEqual([{ rows: 302 }])
    expect(await restored(database)).toEqual({ messages: 308, clients: ['ada', 'eve'], guests: 0 })
  })

  test('is open to its owner alone: another role is told whose it is', async ({ database }) => {
    await loadRolledBack(database)
    const before = await archivedRows(database)
    await database.query(`CREATE ROLE "eraser_${database.name}" LOGIN PASSWORD 'x'`)
    await database.query(`GRANT USAGE ON SCHEMA "chatkeep" TO "eraser_${database.name}"`)
    await database.query(`GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "eraser_${database.name}"`)
    const url = new URL(database.url)
    ;[url.username, url.password] = [`eraser_${database.name}`, 'x']
    const refused = await on(database, 'erase', '--username', 'bea', '--dry-run', '--database-url', url.href)
    expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining('hint: connect as their owner, ')])
    expect(refused.stderr).toContain('SELECT, INSERT on "chatkeep"."runs"')
    expect(await archivedRows(database)).toEqual(before)
    await database.query(`DROP OWNED BY "eraser_${database.name}"; DROP ROLE "eraser_${database.name}"`)
  })
})
