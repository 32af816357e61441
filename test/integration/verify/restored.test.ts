import { migrated, on } from '../../support/chat.js'
import { dataOf } from '../../support/database-state.js'
import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { dumpAndRestore, reasonNotToDump } from '../../support/pg-dump.js'
import { SHOP } from '../../support/transcript.js'
import { typeSteps } from '../../support/next-steps.js'

const codesOf = async (database: TestDatabase): Promise<readonly string[]> => [
  ...new Set(findingsOf(await verify(database)).map(({ code }) => code)),
]

const migrate = async (database: TestDatabase): Promise<void> => {
  const { exitCode, stdout, stderr } = await on(database, 'migrate')
  expect(exitCode, stdout + stderr).toBe(0)
}

/** Runs the next step of a finding's code. */
const runNextStep = async (database: TestDatabase, code: string): Promise<void> => {
  const found = findingsOf(await verify(database)).find((finding) => finding.code === code)
  await typeSteps(database, found?.steps ?? [])
}

const WRITE = `
  INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ('new', 'new operator', 'x', now());
  INSERT INTO "Client" ("username", "updatedAt") VALUES ('new client', now());
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType") VALUES (1, 'CLIENT', 'TEXT')`

describe('after a logical upgrade, which copies rows but no sequences', () => {
  const NO_SEQUENCES = `
    SELECT setval('"User_id_seq"', 1, false), setval('"Client_id_seq"', 1, false), setval('"ChatMessage_id_seq"', 1, false)`

  test('one statement repairs every sequence of the chat', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load(NO_SEQUENCES)
    const findings = findingsOf(await verify(database))
    expect(findings.map(({ object }) => object)).toEqual([
      'sequence "ChatMessage_id_seq" of "ChatMessage"."id"',
      'sequence "Client_id_seq" of "Client"."id"',
      'sequence "User_id_seq" of "User"."id"',
    ])
    expect(new Set(findings.map(({ help }) => help)).size).toBe(1)
    await runNextStep(database, 'sequence_behind')
    expect(await codesOf(database)).toEqual([])
    await database.load(WRITE)
  })

  test('without the schema of chatkeep, migrate records what is there', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load(`DROP SCHEMA chatkeep CASCADE; ${NO_SEQUENCES}`)
    expect(await codesOf(database)).toEqual(['sequence_behind', 'migrations_pending'])
    await runNextStep(database, 'migrations_pending')
    await runNextStep(database, 'sequence_behind')
    expect(await codesOf(database)).toEqual([])
    const { exitCode, stdout, stderr } = await on(database, 'rollback', '--confirm', database.name)
    expect(exitCode, stdout + stderr).toBe(0)
    await migrate(database)
  })
})

describe('verify finds in a restored database', () => {
  test.for([
    [
      'messages without their primary key',
      'ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_pkey"',
      '"ChatMessage"."id"',
      [],
    ],
    [
      'clients without theirs',
      'ALTER TABLE "Client" DROP CONSTRAINT "Client_pkey" CASCADE',
      '"Client"."id"',
      ['foreign_key_missing'],
    ],
  ] as const)('%s', async ([, breakage, object, then], { database }) => {
    await migrated(database, 'crm-before')
    await database.load(breakage)
    expect(findingsOf(await verify(database))[0]).toMatchObject({ code: 'unique_index_missing', object })
    await runNextStep(database, 'unique_index_missing')
    expect(await codesOf(database)).toEqual(then)
    for (const code of then) await runNextStep(database, code)
    expect(await codesOf(database)).toEqual([])
  })
})

test('verify finds messages whose clients a restore without triggers left out, behind a valid foreign key', async ({
  database,
}) => {
  await migrated(database, 'crm-before')
  await database.load(`
    SET session_replication_role = replica;
    DELETE FROM "Client" WHERE "id" = (SELECT "clientId" FROM "ChatMessage" ORDER BY "id" DESC LIMIT 1);
    RESET session_replication_role;
    INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") SELECT 'zoe', 'CLIENT', 'TEXT' FROM generate_series(1, 9000)`)
  expect(await codesOf(database)).toContain('orphaned_messages')
})

/** A migrated database with guests, and an empty one; skips where it cannot be dumped. */
const withDump = async (
  { database, skip }: { readonly database: TestDatabase; readonly skip: (reason: string) => void },
  work: (copy: TestDatabase) => Promise<void>,
): Promise<void> => {
  const reason = await reasonNotToDump(database)
  if (reason !== undefined) {
    skip(reason)
    return
  }
  await database.load('SELECT')
  await migrated(database, 'crm-before')
  expect((await on(database, 'replay', SHOP)).exitCode).toBe(0)
  await withDatabase(work)
}

describe('pg_dump and pg_restore', () => {
  test('of everything: nothing is left to do', async ({ database, skip }) => {
    await withDump({ database, skip }, async (copy) => {
      await dumpAndRestore(database, copy, {})
      expect(await codesOf(copy)).toEqual([])
      expect(await dataOf(copy)).toEqual(await dataOf(database))
    })
  })

  test('of the application alone: one migrate, and what chatkeep had comes back on top', async ({ database, skip }) => {
    await withDump({ database, skip }, async (copy) => {
      await dumpAndRestore(database, copy, { dump: ['--schema=public'] })
      expect(await codesOf(copy)).toEqual(['migrations_pending'])
      await runNextStep(copy, 'migrations_pending')
      expect(await codesOf(copy)).toEqual([])
      await copy.load('DROP SCHEMA chatkeep CASCADE')
      await dumpAndRestore(database, copy, { dump: ['--schema=chatkeep'] })
      expect(await codesOf(copy)).toEqual([])
      expect(await dataOf(copy)).toEqual(await dataOf(database))
    })
  })

  test('of the data alone into a migrated database: everything is there', async ({ database, skip }) => {
    await withDump({ database, skip }, async (copy) => {
      await migrated(copy, 'crm-before')
      await copy.load('TRUNCATE "User", "Client", "ChatMessage" CASCADE')
      await dumpAndRestore(database, copy, { dump: ['--data-only'], restore: ['--disable-triggers'] })
      expect(await codesOf(copy)).toEqual([])
      expect(await dataOf(copy)).toEqual(await dataOf(database))
      await copy.load(WRITE)
    })
  })

  test('without the indexes, constraints and triggers that follow the data', async ({ database, skip }) => {
    await withDump({ database, skip }, async (copy) => {
      await dumpAndRestore(database, copy, { restore: ['--section=pre-data', '--section=data'] })
      const findings = findingsOf(await verify(copy))
      expect(findings.filter(({ code }) => code === 'unique_index_missing').map(({ object }) => object)).toEqual([
        '"ChatMessage"."id"',
        '"Client"."id"',
        '"Client"."username"',
        '"Client"."phone"',
      ])
      await dumpAndRestore(database, copy, { restore: ['--section=post-data'] })
      expect(await codesOf(copy)).toEqual([])
    })
  })
})
