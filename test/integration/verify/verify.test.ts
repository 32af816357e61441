import { createServer, type AddressInfo } from 'node:net'
import { migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { findingsOf, parseReport as parse, verify, type FoundFinding } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { OperatorError } from '../../../src/errors.js'
import { EFFECTS } from '../../../src/migrations/ledger/effects.js'
import { checks } from '../../../src/verify/checks/index.js'
import { readFacts } from '../../../src/verify/facts/facts.js'
import { ownerlessMessages } from '../../../src/verify/checks/rows/ownerless-messages.js'
import { unlinkedMessages } from '../../../src/verify/checks/rows/unlinked-messages.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { countTransactions } from '../../support/transaction-counter.js'
import { untilRows } from '../../support/until.js'

const rolledBack = async (database: TestDatabase): Promise<void> => {
  await migrated(database, 'hand-migrated')
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
}

/** Number of the newest migration. */
const LAST = EFFECTS.length
const CHECKS = checks.filter(({ expectations }) => expectations.includes('migrated')).map(({ name }) => name)

const INSERT_MESSAGE = `INSERT INTO "ChatMessage" ("senderType", "messageType", "clientId", "guestUsername", "text")`
const INSERT_CLIENT = `INSERT INTO "Client" ("updatedAt", "username") VALUES (now(), 'maria')`
const GUEST_INDEX = '"ChatMessage_guestUsername_createdAt_idx"'
const GUARD = `ALTER TABLE "ChatMessage" ADD CONSTRAINT "chatkeep_clientId_not_null" CHECK ("clientId" IS NOT NULL) NOT VALID`
const CAPTURE = `CREATE FUNCTION chatkeep_capture() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER chatkeep_capture AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION chatkeep_capture()`

describe('verify finds nothing', () => {
  test.for(['crm-before', 'hosted-neighbours', 'half-migrated'] as const)(
    'in a migrated database: %s',
    async (fixture, { database }) => {
      await migrated(database, fixture)
      const run = await verify(database)
      expect(findingsOf(run)).toEqual([])
      expect(run.exitCode).toBe(0)
      expect(parse(run).columns.map(({ ok }) => ok)).toEqual([true, true, true])
    },
  )

  test('in a database that chatkeep made itself and that guests wrote into', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      for (const text of ['hello', 'again']) {
        await store.saveChatMessage({ senderType: 'CLIENT', messageType: 'TEXT', guestUsername: 'maria', text })
      }
    })
    expect(findingsOf(await verify(database))).toEqual([])
  })

  test('in a rolled back database but the archive, which it mentions with its size', async ({ database }) => {
    await rolledBack(database)
    const run = await verify(database, '--expect', 'rolled-back')
    expect(findingsOf(run)).toMatchObject([
      { code: 'archive_waiting', severity: 'note', actual: '43 archived messages, 10 archived clients' },
    ])
    expect(run.exitCode).toBe(0)
    expect(parse(run).columns.map(({ ok }) => ok)).toEqual([true, true, true])
  })

  test('in a database that was never migrated, when it should not be', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    expect(findingsOf(await verify(database, '--expect', 'rolled-back'))).toEqual([])
  })

  test('in another schema, whatever public holds', async ({ database }) => {
    await database.load('CREATE SCHEMA "live chat"')
    expect((await on(database, 'migrate', '--schema', 'live chat')).exitCode).toBe(0)
    expect(findingsOf(await verify(database, '--schema', 'live chat'))).toEqual([])
    const [finding] = findingsOf(await verify(database))
    expect(finding).toMatchObject({ code: 'chat_tables_missing' })
  })
})

describe('verify finds in a migrated database', () => {
  test.for<readonly [what: string, breakage: string, codes: readonly string[], finding: Partial<FoundFinding>]>([
    [
      'a clientId that is NOT NULL again',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET NOT NULL',
      ['column_nullability'],
      { object: '"ChatMessage"."clientId"', actual: 'integer, NOT NULL', help: 'chatkeep migrate' },
    ],
    [
      'a guest column that is gone',
      'ALTER TABLE "ChatMessage" DROP COLUMN "guestPhone"',
      ['column_missing'],
      { object: '"ChatMessage"."guestPhone"', expected: 'text, nullable', actual: 'missing' },
    ],
    [
      'a guest column of another type',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "guestPhone" TYPE varchar(50)',
      ['column_type'],
      {
        actual: 'character varying(50), nullable',
        help: 'ALTER TABLE "public"."ChatMessage" ALTER COLUMN "guestPhone" TYPE text',
      },
    ],
    [
      'an idempotency key that is gone, with its index',
      'ALTER TABLE "ChatMessage" DROP COLUMN "idempotencyKey"',
      ['column_missing', 'index_missing'],
      { object: '"ChatMessage"."idempotencyKey"' },
    ],
    [
      'an index that is gone',
      `DROP INDEX ${GUEST_INDEX}`,
      ['index_missing'],
      { object: `index ${GUEST_INDEX}`, help: 'chatkeep migrate' },
    ],
    [
      'an index that is INVALID',
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${GUEST_INDEX}'::regclass`,
      ['index_invalid'],
      { object: `index ${GUEST_INDEX}`, help: 'chatkeep migrate' },
    ],
    [
      'an index in the other order',
      `DROP INDEX ${GUEST_INDEX}; CREATE INDEX ${GUEST_INDEX} ON "ChatMessage" ("guestUsername", "createdAt")`,
      ['index_differs'],
      {
        expected: 'index on "ChatMessage" btree ("guestUsername", "createdAt" DESC)',
        actual: 'index on "ChatMessage" btree ("guestUsername", "createdAt")',
      },
    ],
    [
      'an index that has lost its uniqueness',
      `DROP INDEX "ChatMessage_idempotencyKey_key"; CREATE INDEX "ChatMessage_idempotencyKey_key" ON "ChatMessage" ("idempotencyKey")`,
      ['index_differs'],
      { actual: 'index on "ChatMessage" btree ("idempotencyKey")' },
    ],
    [
      'a column of the application that chatkeep needs and that is gone',
      'ALTER TABLE "ChatMessage" DROP COLUMN "imageName"',
      ['column_missing'],
      { object: '"ChatMessage"."imageName"', help: 'ALTER TABLE "public"."ChatMessage" ADD COLUMN "imageName" text' },
    ],
    [
      'an instant that is no UTC timestamp any more',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "readAt" TYPE timestamptz',
      ['column_type'],
      { expected: 'timestamp without time zone, nullable', actual: 'timestamp with time zone, nullable' },
    ],
    [
      'a phone that every client must have',
      'ALTER TABLE "Client" ALTER COLUMN "phone" SET NOT NULL',
      ['column_nullability'],
      { object: '"Client"."phone"' },
    ],
    [
      'a label that an enum has lost',
      `ALTER TYPE "MessageSenderType" RENAME VALUE 'OPERATOR' TO 'STAFF'`,
      ['enum_label_missing'],
      {
        expected: 'CLIENT, OPERATOR',
        actual: 'CLIENT, STAFF',
        help: `ALTER TYPE "public"."MessageSenderType" RENAME VALUE 'STAFF' TO 'OPERATOR'`,
      },
    ],
    [
      'phones that are not unique',
      'DROP INDEX "Client_phone_key"',
      ['unique_index_missing'],
      { object: '"Client"."phone"', help: 'CREATE UNIQUE INDEX CONCURRENTLY ON "public"."Client" ("phone")' },
    ],
    [
      'usernames that are unique only among some clients',
      `DROP INDEX "Client_username_key"; CREATE UNIQUE INDEX "Client_username_key" ON "Client" ("username") WHERE "status" = 'ACTIVE'`,
      ['unique_index_missing'],
      { object: '"Client"."username"' },
    ],
    [
      'a column of clients that a guest cannot fill',
      'ALTER TABLE "Client" ADD COLUMN "taxId" text NOT NULL',
      ['column_without_default'],
      { object: '"Client"."taxId"', actual: 'text, NOT NULL without default' },
    ],
    [
      'ids of clients that nobody hands out',
      'ALTER TABLE "Client" ALTER COLUMN "id" DROP DEFAULT',
      ['column_without_default'],
      { object: '"Client"."id"' },
    ],
    [
      'a column of messages that chatkeep cannot fill',
      'ALTER TABLE "ChatMessage" ADD COLUMN "updatedAt" timestamp NOT NULL',
      ['column_without_default'],
      { object: '"ChatMessage"."updatedAt"' },
    ],
    [
      'a migration that is pending',
      `DELETE FROM migrations WHERE id = ${LAST}`,
      ['migrations_pending'],
      { actual: `1 pending: ${LAST}_${EFFECTS.at(-1)?.migration ?? ''}`, help: 'chatkeep migrate' },
    ],
    [
      'a history that is gone',
      'DROP TABLE migrations',
      ['history_missing'],
      { actual: `missing, although the effects of ${LAST} of ${LAST} migrations exist` },
    ],
    [
      'a gap in the history',
      'DELETE FROM migrations WHERE id = 4',
      ['migration_gap'],
      { object: 'migration 4_index-client-socket-id' },
    ],
    [
      'a migration whose file changed after it was applied',
      `UPDATE migrations SET hash = repeat('0', 40) WHERE id = 3`,
      ['migration_changed'],
      { object: 'migration 3_index-guest-username' },
    ],
    [
      'a migration of which there is no file',
      `INSERT INTO migrations (id, name, hash) VALUES (${LAST + 1}, 'from-the-future', repeat('0', 40))`,
      ['migration_unknown'],
      { object: `migration ${LAST + 1}_from-the-future` },
    ],
    [
      'the history of another tool',
      'DROP TABLE migrations; CREATE TABLE migrations (id serial PRIMARY KEY, "timestamp" bigint, name varchar)',
      ['history_foreign', 'migrations_pending'],
      { actual: 'a table of another tool (columns: id, timestamp, name)' },
    ],
    [
      'the guard of a rollback that was cut off',
      GUARD,
      ['rollback_unfinished'],
      { object: 'constraint "chatkeep_clientId_not_null" on "ChatMessage"' },
    ],
    [
      'trigger and function of a rollback that was cut off',
      CAPTURE,
      ['rollback_unfinished', 'rollback_unfinished'],
      { object: 'trigger "chatkeep_capture" on "ChatMessage"' },
    ],
    [
      'something named like ours that is not',
      'CREATE TABLE chatkeep_scratch (id integer)',
      ['unknown_leftover'],
      { severity: 'warning', object: 'table "chatkeep_scratch"' },
    ],
    [
      'an archive that was not put back',
      'CREATE TABLE chatkeep_archive ("messageId" bigint); INSERT INTO chatkeep_archive VALUES (1), (2)',
      ['archive_waiting'],
      { severity: 'warning', actual: '2 archived messages, 0 archived clients', help: 'chatkeep migrate' },
    ],
    [
      'messages under the name of a client that are not linked to it',
      `${INSERT_CLIENT};
       ${INSERT_MESSAGE} SELECT 'CLIENT', 'TEXT', NULL, 'maria', 'secret' FROM generate_series(1, 7);
       ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', NULL, 'Maria', 'x'), ('CLIENT', 'TEXT', 1, 'maria', 'x')`,
      ['unlinked_messages'],
      { severity: 'warning', actual: '7', sample: [1, 2, 3, 4, 5], help: 'chatkeep reconcile' },
    ],
    [
      'messages with neither client nor guest name',
      `${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', NULL, NULL, 'secret'), ('CLIENT', 'TEXT', NULL, 'nobody', 'x')`,
      ['ownerless_messages'],
      { severity: 'warning', actual: '1', sample: [1] },
    ],
    [
      'keys that have two messages, which only a missing index allows',
      `DROP INDEX "ChatMessage_idempotencyKey_key";
       INSERT INTO "ChatMessage" ("senderType", "messageType", "guestUsername", "idempotencyKey")
       VALUES ('CLIENT', 'TEXT', 'a', 'k1'), ('CLIENT', 'TEXT', 'a', 'k1'), ('CLIENT', 'TEXT', 'a', 'k2'), ('CLIENT', 'TEXT', 'a', NULL), ('CLIENT', 'TEXT', 'a', NULL)`,
      ['index_missing', 'doubled_idempotency_keys'],
      { object: 'index "ChatMessage_idempotencyKey_key"' },
    ],
    [
      'the mark of unverified guests, gone',
      'ALTER TABLE "ChatMessage" DROP COLUMN "guestUnverified"',
      ['column_missing'],
      { object: '"ChatMessage"."guestUnverified"', expected: 'boolean, NOT NULL', help: 'chatkeep migrate' },
    ],
    [
      'a mark of unverified guests that may be unknown',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "guestUnverified" DROP NOT NULL',
      ['column_nullability'],
      { help: 'ALTER TABLE "public"."ChatMessage" ALTER COLUMN "guestUnverified" SET NOT NULL' },
    ],
    [
      'the list of chats, gone',
      'DROP TABLE "chatkeep_chats"',
      ['table_missing'],
      { object: 'table "chatkeep_chats"', help: 'chatkeep migrate' },
    ],
    [
      'a column of our own that is gone, with its index',
      'ALTER TABLE "chatkeep_guest_clients" DROP COLUMN "clientId"',
      ['column_missing', 'index_missing'],
      { object: '"chatkeep_guest_clients"."clientId"' },
    ],
    [
      'an index of our own table that is gone',
      'DROP INDEX "chatkeep_chats_chat_period_idx"',
      ['index_missing'],
      { object: 'index "chatkeep_chats_chat_period_idx"', help: 'chatkeep migrate' },
    ],
    [
      'a trigger that is gone',
      'DROP TRIGGER "chatkeep_note_inserted" ON "ChatMessage"',
      ['trigger_missing'],
      { object: 'trigger "chatkeep_note_inserted" on "ChatMessage"', help: 'chatkeep migrate' },
    ],
    [
      'a trigger that is disabled',
      'ALTER TABLE "ChatMessage" DISABLE TRIGGER "chatkeep_note_deleted"',
      ['trigger_disabled'],
      { actual: 'disabled: the list of chats misses new messages', help: 'chatkeep migrate' },
    ],
    [
      'a trigger that fires only for a replication',
      'ALTER TABLE "ChatMessage" ENABLE REPLICA TRIGGER "chatkeep_note_deleted"',
      ['trigger_disabled'],
      { object: 'trigger "chatkeep_note_deleted" on "ChatMessage"' },
    ],
    [
      'functions that are gone or are not ours',
      `DROP FUNCTION "chatkeep_note_in_snapshot"; ALTER FUNCTION "chatkeep_note_deleted"() SET search_path = public`,
      ['function_missing', 'function_differs'],
      { object: 'function "chatkeep_note_in_snapshot"', help: 'chatkeep migrate' },
    ],
    [
      'a list of chats that was not filled',
      'COMMENT ON TABLE "chatkeep_chats" IS NULL',
      ['chats_not_filled'],
      { object: 'table "chatkeep_chats"', help: 'chatkeep migrate' },
    ],
    [
      'chats that the list misses since triggers did not fire',
      `INSERT INTO "Client" ("updatedAt", "username") VALUES (now(), 'registered');
       SET session_replication_role = replica;
       ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', 1, NULL, 'secret'), ('CLIENT', 'TEXT', NULL, 'nobody', 'x');
       RESET session_replication_role;
       ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', NULL, 'somebody', 'x')`,
      ['chats_missing'],
      {
        actual: '2 among the chats of the newest 10,000 messages and of as many clients',
        sample: [1, 2],
        help: 'COMMENT ON TABLE "public"."chatkeep_chats" IS NULL; then chatkeep migrate, which fills it',
      },
    ],
    ['a table that is gone', 'DROP TABLE "User" CASCADE', ['table_missing'], { object: 'table "User"' }],
    [
      'that all tables are gone, in one finding',
      'DROP TABLE "ChatMessage", "Client", "User"',
      ['chat_tables_missing'],
      { actual: 'none of them, although the history records them' },
    ],
  ])('%s', async ([, breakage, codes, finding], { database }) => {
    await migrated(database)
    await database.load(breakage)
    const run = await verify(database)
    const found = findingsOf(run)
    expect(found.map(({ code }) => code)).toEqual(codes)
    expect(found[0]).toMatchObject(finding)
    expect(run.exitCode).toBe(found.some(({ severity }) => severity === 'error') ? 1 : 0)
    expect(run.stdout).not.toContain('secret')
  })

  test('commits that do not wait for the disk, and the way to change that helps', async ({ database }) => {
    await migrated(database)
    await database.load(`ALTER DATABASE ${database.name} SET synchronous_commit = off`)
    const found = findingsOf(await verify(database))
    expect(found).toMatchObject([{ code: 'synchronous_commit_off', severity: 'warning' }])
    await database.load(found[0]?.help ?? '')
    expect(findingsOf(await verify(database))).toEqual([])
  })

  test('that somebody is migrating at this moment, and advises to wait', async ({ database }) => {
    await migrated(database)
    await database.load(`DROP INDEX ${GUEST_INDEX}`)
    await database.client({ application_name: 'chatkeep migrate' })
    await database.client({ application_name: 'chatkeep migrate --dry-run' })
    const pid = expect.stringMatching(/^chatkeep migrate \(pid \d+\)$/) as string
    expect(findingsOf(await verify(database))).toMatchObject([
      { code: 'index_missing' },
      { code: 'change_running', severity: 'note', actual: pid },
    ])
    expect((await on(database, 'verify')).stdout).toMatch(
      / Next: wait until it ends, then run again: chatkeep verify\n$/,
    )
  })

  test('everything at once, the gravest first, and says the first next step last', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load(
      `DROP INDEX ${GUEST_INDEX}; DROP INDEX "Client_phone_key"; UPDATE migrations SET hash = repeat('0', 40) WHERE id = 3`,
    )
    const severities = parse(await verify(database)).findings.map(({ severity }) => severity)
    expect(severities.slice(0, 5)).toEqual(['error', 'error', 'error', 'warning', 'warning'])
    const { stdout, exitCode } = await on(database, 'verify')
    expect(exitCode).toBe(1)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(
        `^FAIL: ${database.name} is not migrated as it should be: 3 errors, \\d warnings \\(.+\\)\\. Next: UPDATE "migrations" SET "hash" = '[0-9a-f]{40}' WHERE "id" = 3`,
      ),
    )
  })
})

describe('verify --expect rolled-back finds', () => {
  test('one thing in a database that is migrated', async ({ database }) => {
    await migrated(database)
    const run = await verify(database, '--expect', 'rolled-back')
    expect(findingsOf(run)).toMatchObject([
      { code: 'migrations_left', help: `chatkeep rollback --confirm ${database.name}` },
    ])
    expect(run.exitCode).toBe(1)
    expect(parse(run).columns.map(({ ok }) => ok)).toEqual([false, false, false])
  })

  test('each thing in one that was migrated by hand', async ({ database }) => {
    await loadFixture(database, 'hand-migrated')
    const codes = findingsOf(await verify(database, '--expect', 'rolled-back')).map(({ code }) => code)
    expect(codes).toEqual(['column_nullability', 'column_left', 'column_left', 'index_left', 'index_left'])
  })

  test.for<readonly [what: string, breakage: string, finding: Partial<FoundFinding>]>([
    [
      'a guest column',
      'ALTER TABLE "ChatMessage" ADD COLUMN "guestPhone" text',
      { code: 'column_left', object: '"ChatMessage"."guestPhone"' },
    ],
    [
      'a guest index',
      `CREATE INDEX ${GUEST_INDEX} ON "ChatMessage" ("createdAt")`,
      { code: 'index_left', object: `index ${GUEST_INDEX}` },
    ],
    [
      'messages that need no client',
      'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" DROP NOT NULL',
      { code: 'column_nullability', expected: 'integer or bigint, NOT NULL' },
    ],
    [
      'a migration that is still in the history',
      `INSERT INTO migrations (id, name, hash) VALUES (2, 'allow-guest-messages', repeat('0', 40))`,
      { code: 'migrations_left', actual: '1 applied: 2_allow-guest-messages' },
    ],
    [
      'a changed first migration',
      `UPDATE migrations SET hash = repeat('0', 40) WHERE id = 1`,
      { code: 'migration_changed' },
    ],
    [
      'a table of our own',
      'CREATE TABLE "chatkeep_guest_clients" ("clientId" bigint)',
      { code: 'table_left', object: 'table "chatkeep_guest_clients"' },
    ],
    [
      'a function',
      `CREATE FUNCTION "chatkeep_unnote"() RETURNS void LANGUAGE sql AS ''`,
      { code: 'function_left', object: 'function "chatkeep_unnote"' },
    ],
    [
      'a trigger',
      `CREATE TRIGGER "chatkeep_note_inserted" BEFORE UPDATE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
      { code: 'trigger_left', object: 'trigger "chatkeep_note_inserted" on "ChatMessage"' },
    ],
    [
      'the mark of unverified guests',
      'ALTER TABLE "ChatMessage" ADD COLUMN "guestUnverified" boolean',
      { code: 'column_left', object: '"ChatMessage"."guestUnverified"' },
    ],
    [
      'the guard',
      GUARD,
      { code: 'rollback_unfinished', help: expect.stringMatching(/^chatkeep rollback --confirm/) as string },
    ],
  ])('%s', async ([, breakage, finding], { database }) => {
    await rolledBack(database)
    await database.load(breakage)
    const run = await verify(database, '--expect', 'rolled-back')
    expect(findingsOf(run)).toMatchObject([finding, { code: 'archive_waiting' }])
    expect(run.exitCode).toBe(1)
  })

  test('nothing wrong with a history that is gone', async ({ database }) => {
    await rolledBack(database)
    await database.load('DROP TABLE migrations, chatkeep_archive, chatkeep_archive_client')
    expect(findingsOf(await verify(database, '--expect', 'rolled-back'))).toEqual([])
  })
})

describe('verify says in one finding', () => {
  test('that a database was never migrated', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const run = await verify(database)
    expect(findingsOf(run)).toMatchObject([{ code: 'migrations_pending', help: 'chatkeep migrate' }])
    expect(run.exitCode).toBe(1)
  })

  test('that a database is empty, or a schema is not there', async ({ database }) => {
    expect(findingsOf(await verify(database))).toMatchObject([
      { code: 'chat_tables_missing', help: 'chatkeep migrate' },
    ])
    expect(findingsOf(await verify(database, '--schema', 'crm'))).toMatchObject([{ code: 'schema_missing' }])
  })
})

describe('verify', () => {
  test('shows the table of the guide, then what it found, then the verdict', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const { stdout, exitCode } = await on(database, 'verify')
    const stable = stdout
      .replace(/^verify .*$/m, 'verify  <target>  PostgreSQL <version>  schema public')
      .replace(/\nwarning (fsync|full_page_writes)_off(.|\n)*?\n(?=\n)/g, '')
      .replace(/(chatkeep explain) \w+/, '$1 <code>')
      .replace(database.name, '<database>')
      .replace(/\d warnings \(.*\)/, '<figures>')
    expect(exitCode).toBe(0)
    expect(stable).toBe(`verify  <target>  PostgreSQL <version>  schema public

 column_name   | data_type | is_nullable | expected    |
---------------+-----------+-------------+-------------+----
 clientId      | integer   | YES         | integer YES | ok
 guestUsername | text      | YES         | text YES    | ok
 guestPhone    | text      | YES         | text YES    | ok

warning unlinked_messages: guest messages that are not linked to the client of their name
  expected  0
  actual    5
  rows      id 6036, 6037, 6038, 6039, 6040
  next      chatkeep reconcile

warning ownerless_messages: messages with neither client nor guest name
  expected  0
  actual    3
  rows      id 6041, 6042, 6043
  next      SELECT * FROM "public"."ChatMessage" WHERE "clientId" IS NULL AND "guestUsername" IS NULL

More on a finding: chatkeep explain <code>

ok: <database> is migrated: ${CHECKS.length} checks, 0 errors, <figures>. Next: chatkeep reconcile
`)
  })

  test('fails on warnings only when asked to', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    expect((await on(database, 'verify')).exitCode).toBe(0)
    const strict = await on(database, 'verify', '--fail-on', 'warning')
    expect(strict.exitCode).toBe(1)
    expect(strict.stdout).toMatch(/\nFAIL: \w+ is migrated: 0 errors, \d warnings \(.*\)\. Next: chatkeep reconcile\n$/)
  })

  test('gives programs everything', async ({ database }) => {
    await migrated(database)
    const document: unknown = JSON.parse((await verify(database)).stdout)
    expect(document).toMatchObject({
      ok: true,
      command: 'verify',
      schema: 'public',
      expect: 'migrated',
      columns: [
        { column_name: 'clientId', data_type: 'integer', is_nullable: 'YES', expected: 'integer YES', ok: true },
        { column_name: 'guestUsername', data_type: 'text', is_nullable: 'YES', expected: 'text YES', ok: true },
        { column_name: 'guestPhone', data_type: 'text', is_nullable: 'YES', expected: 'text YES', ok: true },
      ],
      checks: CHECKS,
      summary: { checks: CHECKS.length, errors: 0, notes: 0 },
      durationMs: expect.any(Number) as number,
    })
  })

  test('shows no name, phone or text of anybody', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const people = await database.query<{ word: string }>(
      `SELECT DISTINCT unnest(ARRAY["guestUsername", "guestPhone", "text"]) AS word FROM "ChatMessage" WHERE "clientId" IS NULL`,
    )
    const words = people.map(({ word }) => word).filter((word: string | null) => word !== null)
    expect(words.length).toBeGreaterThan(40)
    const output = (await verify(database)).stdout + (await on(database, 'verify')).stdout
    expect(words.filter((word) => output.includes(word))).toEqual([])
  })

  test('shows names from the database without letting them move the cursor', async ({ database }) => {
    await migrated(database)
    await database.load(`ALTER TABLE "Client" ADD COLUMN "evil\u001b[2J\nok: all is well" text NOT NULL`)
    const { stdout } = await on(database, 'verify')
    expect(stdout).toContain(String.raw`"Client"."evil\u001b[2J\u000aok: all is well"`)
    expect(stdout).not.toContain('\u001b')
  })

  test('does everything in one transaction, so that a transaction pooler is no obstacle', async ({ database }) => {
    await migrated(database)
    const transactions = await countTransactions(database.url, async (url) => {
      const { exitCode, stderr } = await runChatkeep(['verify', '--database-url', url])
      expect(exitCode, stderr).toBe(0)
    })
    expect(transactions).toBe(1)
  })

  test.for([unlinkedMessages, ownerlessMessages])(
    'finds messages without client by an index, however many others there are: $name',
    async (check, { database }) => {
      await migrated(database, 'hand-migrated')
      await database.load(`
        INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'guest ' || g FROM generate_series(1, 2000) AS g;
        INSERT INTO "ChatMessage" ("clientId", "guestUsername", "senderType", "messageType")
        SELECT c."id", c."username", 'CLIENT', 'TEXT' FROM "Client" AS c, generate_series(1, 10);
        ANALYZE`)
      const client = await database.client()
      const facts = await readFacts(client, {
        expectation: 'migrated',
        database: database.name,
        schema: 'public',
        files: [],
      })
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${check.query(facts) ?? ''}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/"ChatMessage_(clientId_createdAt|unlinked)_idx"/)
      expect(plan).not.toContain('Seq Scan on "ChatMessage"')
    },
  )

  test.for([
    ['a table that stays locked', [], /^unknown: a table was locked for 1\.\d s$/],
    [
      'a query that takes too long',
      ['--statement-timeout', '700ms'],
      /^unknown: the server canceled the query after 0\.\d s$/,
    ],
  ] as const)('reports %s as not checked, and goes on', async ([, flags, reason], { database }) => {
    await migrated(database)
    await database.load(`
      CREATE TABLE chatkeep_archive ("messageId" bigint);
      ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', NULL, NULL, 'x')`)
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE chatkeep_archive IN ACCESS EXCLUSIVE MODE')
    const run = await verify(database, ...flags)
    expect(findingsOf(run)).toMatchObject([
      { code: 'archive_waiting', actual: 'present' },
      { code: 'ownerless_messages', actual: '1' },
      { code: 'not_checked_in_time', severity: 'note', actual: expect.stringMatching(reason) as string },
    ])
  })

  test('is ended by Ctrl-C in the middle of a query', async ({ database }) => {
    await migrated(database)
    await database.load('CREATE TABLE chatkeep_archive ("messageId" bigint)')
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE chatkeep_archive IN ACCESS EXCLUSIVE MODE')
    const interruption = new AbortController()
    const run = runChatkeep(['verify', '--database-url', database.url], { signal: interruption.signal })
    const waiting = `SELECT FROM pg_stat_activity WHERE application_name = 'chatkeep verify' AND wait_event_type = 'Lock' AND datname = current_database()`
    await untilRows(database, waiting, { what: 'verify waits for the table' })
    interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: 130 }))
    expect(await run).toEqual({ exitCode: 130, stdout: '', stderr: 'error: ended by SIGINT\n' })
  })

  test('takes no answer from a role to which row level security shows only a part', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name};
        ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY nothing ON "ChatMessage" TO ${name} USING (false)`)
      const { exitCode, stderr } = await runChatkeep(['verify', '--database-url', url])
      expect(exitCode).toBe(3)
      expect(stderr).toContain('row-level security policy for table "ChatMessage"')
    })
  })

  test('says who may count an archive that it may not read', async ({ database }) => {
    await rolledBack(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT SELECT ON "ChatMessage", "Client", migrations TO ${name}`)
      const run = await runChatkeep(['verify', '--json', '--expect', 'rolled-back', '--database-url', url])
      expect(findingsOf(run)).toMatchObject([
        { code: 'archive_waiting', actual: 'present; only its owner may count its rows' },
      ])
    })
  })
})

describe('verify could not ask, and says so with exit code 3', () => {
  test.for([
    ['no right to the messages', 'GRANT SELECT ON migrations, "Client" TO'],
    ['no right to the clients', 'GRANT SELECT ON migrations, "ChatMessage" TO'],
    ['no right to the history', 'GRANT SELECT ON "ChatMessage", "Client" TO'],
  ] as const)('%s', async ([, grant], { database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`${grant} ${name}`)
      const { exitCode, stderr, stdout } = await runChatkeep(['verify', '--database-url', url])
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
      expect(stderr).toMatch(/^error: the role \w+ may not read what is needed/)
      // What the hint says to type is enough.
      await database.load(/GRANT USAGE.*/.exec(stderr)?.[0] ?? '')
      expect((await runChatkeep(['verify', '--database-url', url])).exitCode).toBe(0)
    })
  })

  test('no right to the messages, where nothing but their columns is asked for', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await withLimitedRole(database, async ({ url }) => {
      const { exitCode } = await runChatkeep(['verify', '--expect', 'rolled-back', '--database-url', url])
      expect(exitCode).toBe(3)
    })
  })

  test('a server that accepts and says nothing', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const { exitCode, stdout, stderr } = await runChatkeep([
      'verify',
      '--json',
      '--database-url',
      `postgres://u@127.0.0.1:${port}/d?connect_timeout=1`,
    ])
    silent.close()
    expect(exitCode, stderr).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, command: 'verify', error: { code: 'database_unreachable' } })
  })

  test('a database that is not there', async ({ database }) => {
    const url = new URL(database.url)
    url.pathname += '_not'
    const { exitCode, stderr } = await runChatkeep(['verify', '--database-url', url.href])
    expect(exitCode).toBe(3)
    expect(stderr).toContain('there is no database')
  })

  test('and with 4 while somebody keeps a table locked', async ({ database }) => {
    await migrated(database)
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE "ChatMessage" IN ACCESS EXCLUSIVE MODE')
    const { exitCode, stderr } = await on(database, 'verify')
    expect(exitCode).toBe(4)
    expect(stderr).toContain('error: a lock was not free in time')
  })
})

describe('verify was asked wrongly, and says so with exit code 2', () => {
  test.for([
    ['no database', ['verify'], /no database is named/],
    ['another state', ['verify', '--expect', 'half'], /Allowed choices are migrated, rolled-back/],
    ['no time to answer', ['verify', '--statement-timeout', '0s'], /Write a duration from 10ms to 1d/],
    [
      'no such folder',
      ['verify', '--migrations', 'nowhere', '--database-url', 'postgres://u@127.0.0.1:1/d'],
      /folder of migrations .*nowhere cannot be read/,
    ],
  ] as const)('%s', async ([, argv, message]) => {
    const { exitCode, stderr } = await runChatkeep(argv)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
  })
})
