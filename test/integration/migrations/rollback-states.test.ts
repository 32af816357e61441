import { migrated, on } from '../../support/chat.js'
import { cutRun } from '../../support/cut-run.js'
import { dataOf } from '../../support/database-state.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { UPDATE_COUNT } from '../../support/migration-list.js'

const rollBack = (database: TestDatabase, ...flags: readonly string[]) =>
  on(database, 'rollback', '--confirm', database.name, ...flags)

const succeeds = async (run: ReturnType<typeof on>): Promise<void> => {
  const { exitCode, stdout, stderr } = await run
  expect(exitCode, stdout + stderr).toBe(0)
}

/** Runs a command and cuts its connection as it says this. */
const cutAt = async (database: TestDatabase, statement: RegExp, ...argv: readonly string[]): Promise<void> => {
  const run = await cutRun(database, argv, 'cut before', (candidate) => statement.test(candidate))
  expect(run.statement, run.stderr).toBeDefined()
}

const cutRollback = (database: TestDatabase, statement: RegExp, ...flags: readonly string[]) =>
  cutAt(database, statement, 'rollback', '--confirm', database.name, ...flags)

const withGuests = async (database: TestDatabase): Promise<void> => {
  await loadFixture(database, 'crm-before')
  await database.query('DELETE FROM "ChatMessage" WHERE "id" > 20')
  await migrated(database)
  await database.load(`
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "guestUsername", "guestPhone", "idempotencyKey", "guestUnverified", "operatorId")
    VALUES (1, 'CLIENT', 'TEXT', 'linked', 'client1', '+1', 'key 1', true, NULL),
      (NULL, 'CLIENT', 'TEXT', 'waiting', 'wanda', '+2', 'key 2', false, NULL),
      (NULL, 'CLIENT', 'TEXT', 'nobody', NULL, '+3', 'key 3', false, 1)`)
}

const message = (database: TestDatabase, text: string) =>
  database.query(
    `SELECT "clientId", "guestUsername", "guestPhone", "idempotencyKey", "guestUnverified" FROM "ChatMessage" WHERE "text" = $1`,
    [text],
  )

describe('a rollback that finds what earlier, cut runs left', () => {
  test('archives what guests wrote after migrate had begun to undo it', async ({ database }) => {
    await withGuests(database)
    await cutRollback(database, /DROP INDEX .*clientSocketId/)
    // The keys' column is gone. Migrate takes trigger and guard away, and is cut before it makes the column again.
    await cutAt(database, /ADD COLUMN .*idempotencyKey/, 'migrate')
    await database.query(
      `INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "guestPhone") VALUES ('CLIENT', 'TEXT', 'late', 'wanda', '+9')`,
    )
    await succeeds(rollBack(database))
    await succeeds(on(database, 'migrate'))
    expect(await message(database, 'late')).toEqual([
      { clientId: null, guestUsername: 'wanda', guestPhone: '+9', idempotencyKey: null, guestUnverified: false },
    ])
  })

  test('archives messages as they are now, not as they were', async ({ database }) => {
    await withGuests(database)
    await cutRollback(database, /VALIDATE CONSTRAINT/)
    await database.load('DROP INDEX "Client_createdAt_brin"')
    await cutAt(database, /CREATE INDEX/, 'migrate')
    await database.load(`
      UPDATE "ChatMessage" SET "guestPhone" = '+7', "guestUnverified" = true WHERE "text" = 'waiting';
      UPDATE "ChatMessage" SET "clientId" = 3 WHERE "text" = 'linked'`)
    await succeeds(rollBack(database))
    await succeeds(on(database, 'migrate'))
    expect([await message(database, 'waiting'), await message(database, 'linked')]).toEqual([
      [{ clientId: null, guestUsername: 'wanda', guestPhone: '+7', idempotencyKey: 'key 2', guestUnverified: true }],
      [{ clientId: 3, guestUsername: 'client1', guestPhone: '+1', idempotencyKey: 'key 1', guestUnverified: true }],
    ])
  })

  test('takes the seal of an archive back before it adds to it', async ({ database }) => {
    await withGuests(database)
    const before = await dataOf(database)
    await succeeds(rollBack(database))
    await cutAt(database, /ADD COLUMN .*guestUnverified/, 'migrate')
    await database.query(`UPDATE "ChatMessage" SET "guestPhone" = NULL, "idempotencyKey" = 'new' WHERE "id" = 1`)
    await cutRollback(database, /sum\(\('x'/)
    await succeeds(on(database, 'migrate'))
    await database.query(`UPDATE "ChatMessage" SET "idempotencyKey" = NULL WHERE "id" = 1`)
    expect(await dataOf(database)).toEqual(before)
  })

  test('that has nothing left to undo still seals the archive', async ({ database }) => {
    await withGuests(database)
    await cutRollback(database, /sum\(\('x'/)
    const { stdout } = await rollBack(database)
    expect(stdout).toContain('archived: guest data of 3 messages, 1 of them moved out of the table whole')
    const runs = await database.query(
      `SELECT "action", "detail" ->> 'messages' AS messages FROM "chatkeep"."runs" WHERE "action" LIKE 'archive%' ORDER BY "id" DESC LIMIT 1`,
    )
    expect(runs).toEqual([{ action: 'archive', messages: '3' }])
    expect((await rollBack(database)).stdout).toContain('there is nothing to roll back')
  })

  test('writes down every migration that it undoes, wherever it is cut', async ({ database }) => {
    await withGuests(database)
    await cutRollback(database, /^INSERT INTO "chatkeep"."runs".*after: DROP INDEX .*createdAt_brin/)
    await succeeds(rollBack(database))
    const undone = `SELECT count(DISTINCT "migration")::integer AS migrations FROM "chatkeep"."runs" WHERE "action" = 'roll back'`
    expect(await database.query(undone)).toEqual([{ migrations: UPDATE_COUNT }])
  })
})

describe('migrate after a rollback', () => {
  test('gives messages back whose operator is gone, whose key is taken, and whose shapes differ', async ({
    database,
  }) => {
    await withGuests(database)
    await succeeds(rollBack(database))
    await cutAt(database, /ADD COLUMN .*guestUnverified/, 'migrate')
    await database.load(`
      DELETE FROM "User" WHERE "id" = 1;
      INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestPhone") VALUES ('CLIENT', 'TEXT', 'nobody else', '+8')`)
    // This one is moved out without the marks' column, those of before were with it.
    await succeeds(rollBack(database))
    await cutAt(database, /SELECT shape/, 'migrate')
    await database.query(
      `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "idempotencyKey") VALUES (1, 'CLIENT', 'TEXT', 'again', 'key 3')`,
    )
    await succeeds(on(database, 'migrate'))
    expect(
      await database.query(
        `SELECT "operatorId", "idempotencyKey", "guestPhone" FROM "ChatMessage" WHERE "text" LIKE 'nobody%' OR "text" = 'again' ORDER BY "id"`,
      ),
    ).toEqual([
      { operatorId: null, idempotencyKey: null, guestPhone: '+3' },
      { operatorId: null, idempotencyKey: null, guestPhone: '+8' },
      { operatorId: null, idempotencyKey: 'key 3', guestPhone: null },
    ])
  })

  test('keeps the clients that the application made meanwhile', async ({ database }) => {
    await withGuests(database)
    await succeeds(rollBack(database))
    await database.load(`
      INSERT INTO "Client" ("username", "updatedAt") VALUES ('made meanwhile', now());
      UPDATE "Client" SET "phone" = '+22' WHERE "username" = 'wanda'`)
    await succeeds(on(database, 'migrate'))
    const kept = `SELECT "username" FROM "Client" WHERE "username" IN ('made meanwhile', 'wanda') ORDER BY 1`
    expect(await database.query(kept)).toEqual([{ username: 'made meanwhile' }, { username: 'wanda' }])
  })

  test('ends between two batches when its signal fires, and continues later', async ({ database }) => {
    await withGuests(database)
    const before = await dataOf(database)
    await succeeds(rollBack(database))
    const run = await cutRun(database, ['migrate'], 'interrupt', (candidate) =>
      candidate.startsWith('SELECT shape."keys"'),
    )
    expect([run.exitCode, run.stderr]).toEqual([143, expect.stringContaining('migrate was ended by SIGTERM')])
    expect(await database.query(`SELECT count(*)::integer AS waiting FROM "chatkeep"."archive"`)).toEqual([
      { waiting: 3 },
    ])
    await succeeds(on(database, 'migrate'))
    expect(await dataOf(database)).toEqual(before)
  })

  test.for([
    ['its own history of runs is gone', 'DROP TABLE "chatkeep"."runs"'],
    ['the history is empty', 'DELETE FROM "chatkeep"."migrations"'],
  ])('goes ahead where %s', async ([, sql = ''], { database }) => {
    await withGuests(database)
    const before = await dataOf(database)
    await succeeds(rollBack(database))
    await database.query(sql)
    await succeeds(on(database, 'migrate'))
    expect(await dataOf(database)).toEqual(before)
    await succeeds(on(database, 'verify'))
  })
})

test('a migrate gives nothing of the archive to other messages that got the ids meanwhile', async ({ database }) => {
  await withGuests(database)
  await succeeds(rollBack(database))
  // As after a restore: the sequence continues at the largest id that is left, which is not that of the message moved out.
  await database.load(`
    SELECT setval(pg_get_serial_sequence('"ChatMessage"', 'id'), (SELECT max("id") FROM "ChatMessage"));
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES (2, 'CLIENT', 'TEXT', 'new');
    DELETE FROM "ChatMessage" WHERE "text" = 'linked';
    INSERT INTO "ChatMessage" ("id", "clientId", "senderType", "messageType", "text") VALUES (6001, 2, 'CLIENT', 'TEXT', 'reloaded')`)
  const { exitCode, stdout, stderr } = await on(database, 'migrate')
  expect(exitCode, stdout + stderr).toBe(0)
  expect(stdout).toContain('restored from the archive: guest data of 1 message; 1 message put back')
  await database.load(
    `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES (2, 'CLIENT', 'TEXT', 'next')`,
  )
  const rows = await database.query(
    `SELECT "id", "text", "guestPhone", "idempotencyKey" FROM "ChatMessage" WHERE "id" > 6000 ORDER BY 1`,
  )
  expect(rows.map((row) => Object.values(row))).toEqual([
    [6001, 'reloaded', null, null],
    [6002, 'waiting', '+2', 'key 2'],
    [6003, 'new', null, null],
    [6004, 'nobody', '+3', 'key 3'],
    [6005, 'next', null, null],
  ])
})
