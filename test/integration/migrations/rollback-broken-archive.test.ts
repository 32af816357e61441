import { migrated, on } from '../../support/chat.js'
import { dataOf } from '../../support/database-state.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { holdClient } from '../../support/held-message.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'

const rollBack = (database: TestDatabase) => on(database, 'rollback', '--confirm', database.name)

/** More rows than fit into the time allowed, if each of them waited for the archive. */
const ROWS = 100

const WRITES = `
  INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "guestPhone", "idempotencyKey")
  SELECT 'CLIENT', 'TEXT', 'late', 'late ' || i % 3, '+' || i, 'late ' || i FROM generate_series(1, ${ROWS}) AS i;
  UPDATE "ChatMessage" SET "guestPhone" = '+99', "isRead" = true WHERE "guestUsername" = 'ana';
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES (1, 'CLIENT', 'TEXT', 'of a client');
  UPDATE "ChatMessage" SET "guestUsername" = 'client1' WHERE "id" = 1`

/** One wait for the archive and one for the counter are 2.5 s; a hundred would be more than a minute. */
const LONGEST_WAIT_MS = 10_000

/** Migrates with three guests, and hands all tables to a role that is no superuser. */
const withGuests = async (database: TestDatabase, work: (owner: TestDatabase, role: string) => Promise<void>) => {
  await withLimitedRole(database, async ({ name, url }) => {
    await loadFixture(database, 'crm-before')
    await database.load(`
      ALTER SCHEMA public OWNER TO ${name};
      ALTER TABLE "User" OWNER TO ${name};
      ALTER TABLE "Client" OWNER TO ${name};
      ALTER TABLE "ChatMessage" OWNER TO ${name};
      CREATE SCHEMA chatkeep AUTHORIZATION ${name};
      DELETE FROM "ChatMessage" WHERE "id" > 20`)
    const owner = { ...database, url }
    await migrated(owner)
    await database.load(`
      INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "guestPhone", "idempotencyKey")
      VALUES ('CLIENT', 'TEXT', 'hello', 'ana', '+1', 'key 1'), ('CLIENT', 'TEXT', 'hello', 'ben', NULL, 'key 2'),
        ('CLIENT', 'TEXT', 'again', 'ana', '+1', NULL)`)
    try {
      await work(owner, name)
    } finally {
      await database.load(`REASSIGN OWNED BY ${name} TO CURRENT_USER`)
    }
  })
}

/** Runs the work while a rollback is between archiving and linking, then lets the rollback go on to its end. */
const duringRollback = async (owner: TestDatabase, database: TestDatabase, work: () => Promise<void>) => {
  const held = await holdClient(database, 'ana')
  const running = rollBack(owner)
  try {
    await held.reached()
    await work()
  } finally {
    await held.letGo()
  }
  return running
}

const write = async (database: TestDatabase): Promise<void> => {
  const startedAt = performance.now()
  await database.load(WRITES)
  expect(performance.now() - startedAt).toBeLessThan(LONGEST_WAIT_MS)
}

/** Checks that guests can write until the rollback is run again, rolls back to the end, migrates, and compares. */
const expectRoundTrip = async (owner: TestDatabase, before: readonly unknown[]): Promise<void> => {
  await owner.load(`
    INSERT INTO "ChatMessage" ("senderType", "messageType", "text") VALUES ('CLIENT', 'TEXT', 'between');
    DELETE FROM "ChatMessage" WHERE "text" = 'between'`)
  const back = await rollBack(owner)
  expect(back.exitCode, back.stdout + back.stderr).toBe(0)
  const again = await on(owner, 'migrate')
  expect(again.exitCode, again.stdout + again.stderr).toBe(0)
  expect(await dataOf(owner)).toEqual(before)
}

type Break = readonly [what: string, breakage: (role: string) => string, repair?: (role: string) => string]

const BREAKS: readonly Break[] = [
  ['dropped', () => 'DROP TABLE chatkeep.archive'],
  ['renamed', () => 'ALTER TABLE chatkeep.archive RENAME TO archive_old'],
  [
    'not granted to its owner',
    (role) => `REVOKE ALL ON chatkeep.archive FROM ${role}`,
    (role) => `GRANT ALL ON chatkeep.archive TO ${role}`,
  ],
  [
    'published without a replica identity',
    () => 'CREATE PUBLICATION everything FOR ALL TABLES; ALTER TABLE chatkeep.archive REPLICA IDENTITY NOTHING',
  ],
  [
    'swallowing what it gets',
    () => 'CREATE RULE swallow AS ON INSERT TO chatkeep.archive DO INSTEAD NOTHING',
    () => 'DROP RULE swallow ON chatkeep.archive',
  ],
]

describe('while a rollback runs, every write succeeds, and none is lost, although the archive is', () => {
  test.for(BREAKS)('%s', async ([, breakage, repair], { database }) => {
    await withGuests(database, async (owner, role) => {
      let before: readonly unknown[] = []
      const { exitCode, stderr } = await duringRollback(owner, database, async () => {
        await database.load(breakage(role))
        await write(database)
        before = await dataOf(database)
      })
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('no column was dropped that the archive lacks')])
      if (repair !== undefined) await database.load(repair(role))
      await expectRoundTrip(owner, before)
    })
  })

  test('locked for longer than the application waits', async ({ database }) => {
    await withGuests(database, async (owner) => {
      let before: readonly unknown[] = []
      const locker = await database.client()
      const { exitCode, stderr } = await duringRollback(owner, database, async () => {
        await locker.query('BEGIN; LOCK TABLE chatkeep.archive IN ACCESS EXCLUSIVE MODE')
        try {
          // Shorter than the wait for the archive would be.
          await database.load(`
            SET statement_timeout = '450ms';
            INSERT INTO "ChatMessage" ("senderType", "messageType", "guestUsername") VALUES ('CLIENT', 'TEXT', 'first')`)
          await database.load('RESET statement_timeout')
          await write(database)
          before = await dataOf(database)
        } finally {
          await locker.query('ROLLBACK')
        }
      })
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('a write could not be archived while')])
      await expectRoundTrip(owner, before)
    })
  })
})

test('a schema that is dropped with everything in it is made again by migrate', async ({ database }) => {
  await withGuests(database, async (owner, role) => {
    const { exitCode, stderr } = await duringRollback(owner, database, async () => {
      await database.load('DROP SCHEMA chatkeep CASCADE')
      await write(database)
    })
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('were changed while the rollback ran')])
    expect((await rollBack(owner)).stderr).toContain('hint: let chatkeep adopt the database first: chatkeep migrate')
    await database.load(`CREATE SCHEMA chatkeep AUTHORIZATION ${role}`)
    const adopted = await on(owner, 'migrate')
    expect(adopted.exitCode, adopted.stdout + adopted.stderr).toBe(0)
    expect(await database.query(`SELECT count(*)::integer AS late FROM "ChatMessage" WHERE "text" = 'late'`)).toEqual([
      { late: ROWS },
    ])
    await expectRoundTrip(owner, await dataOf(database))
  })
})

describe('a rollback stops, and nothing is lost, where', () => {
  test.for([
    [
      'the trigger was disabled for a while',
      'ALTER TABLE "ChatMessage" DISABLE TRIGGER chatkeep_capture',
      'ALTER TABLE "ChatMessage" ENABLE ALWAYS TRIGGER chatkeep_capture',
    ],
    [
      'the function of the trigger was replaced',
      `CREATE OR REPLACE FUNCTION chatkeep.capture() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      'SELECT',
    ],
  ] as const)('%s', async ([, breakage, repair], { database }) => {
    await withGuests(database, async (owner) => {
      let before: readonly unknown[] = []
      const { exitCode, stderr } = await duringRollback(owner, database, async () => {
        await database.load(breakage)
        await write(database)
        await database.load(repair)
        before = await dataOf(database)
      })
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('were changed while the rollback ran')])
      await expectRoundTrip(owner, before)
    })
  })
})

test('a rollback archives what is written while somebody locks the counter of missed writes', async ({ database }) => {
  await withGuests(database, async (owner) => {
    let before: readonly unknown[] = []
    const locker = await database.client()
    const { exitCode, stdout, stderr } = await duringRollback(owner, database, async () => {
      await locker.query('BEGIN; ALTER SEQUENCE chatkeep.missed_writes INCREMENT 1')
      try {
        await write(database)
        before = await dataOf(database)
      } finally {
        await locker.query('ROLLBACK')
      }
    })
    expect(exitCode, stdout + stderr).toBe(0)
    const again = await on(owner, 'migrate')
    expect(again.exitCode, again.stdout + again.stderr).toBe(0)
    expect(await dataOf(database)).toEqual(before)
  })
})

test('a rollback archives what is written with session_replication_role = replica', async ({ database }) => {
  await withGuests(database, async (owner) => {
    let before: readonly unknown[] = []
    const { exitCode, stdout, stderr } = await duringRollback(owner, database, async () => {
      await database.load(`SET session_replication_role = replica`)
      await write(database)
      await database.load('RESET session_replication_role')
      before = await dataOf(database)
    })
    expect(exitCode, stdout + stderr).toBe(0)
    const again = await on(owner, 'migrate')
    expect(again.exitCode, again.stdout + again.stderr).toBe(0)
    expect(await dataOf(database)).toEqual(before)
  })
})
