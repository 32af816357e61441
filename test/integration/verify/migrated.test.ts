import { typeSteps } from '../../support/next-steps.js'
import { CREATE_ARCHIVE } from '../../support/own-tables.js'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { findingsOf, parseReport as parse, verify, type FoundFinding } from '../../support/findings.js'
import { EFFECTS } from '../../../src/migrations/ledger/effects.js'

const LAST = EFFECTS.length
const INSERT_MESSAGE = `INSERT INTO "ChatMessage" ("senderType", "messageType", "clientId", "guestUsername", "text")`
const INSERT_CLIENT = `INSERT INTO "Client" ("updatedAt", "username") VALUES (now(), 'maria')`
const GUEST_INDEX = '"ChatMessage_guestUsername_createdAt_idx"'

const GUARD = `ALTER TABLE "ChatMessage" ADD CONSTRAINT "chatkeep_clientId_not_null" CHECK ("clientId" IS NOT NULL) NOT VALID`
const CAPTURE = `CREATE FUNCTION chatkeep.capture() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER chatkeep_capture AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION chatkeep.capture()`

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
        help: 'in psql: ALTER TABLE "public"."ChatMessage" ALTER COLUMN "guestPhone" TYPE text USING "guestPhone"::text;',
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
      {
        object: '"ChatMessage"."imageName"',
        help: 'in psql: ALTER TABLE "public"."ChatMessage" ADD COLUMN "imageName" text;',
      },
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
        help: `in psql: ALTER TYPE "public"."MessageSenderType" RENAME VALUE 'STAFF' TO 'OPERATOR';`,
      },
    ],
    [
      'phones that are not unique',
      'DROP INDEX "Client_phone_key"',
      ['unique_index_missing'],
      { object: '"Client"."phone"', help: 'in psql: CREATE UNIQUE INDEX CONCURRENTLY ON "public"."Client" ("phone");' },
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
      `DELETE FROM chatkeep.migrations WHERE id = ${LAST}`,
      ['migrations_pending'],
      { actual: `1 pending: ${LAST}_${EFFECTS.at(-1)?.migration ?? ''}`, help: 'chatkeep migrate' },
    ],
    [
      'a history that is gone',
      'DROP TABLE chatkeep.migrations',
      ['history_missing'],
      { actual: `missing, although the effects of ${LAST} of ${LAST} migrations exist` },
    ],
    [
      'a gap in the history',
      'DELETE FROM chatkeep.migrations WHERE id = 4',
      ['migration_gap'],
      { object: 'migration 4_index-client-socket-id' },
    ],
    [
      'a migration whose file changed after it was applied',
      `UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 3`,
      ['migration_changed'],
      { object: 'migration 3_index-guest-username' },
    ],
    [
      'a migration of which there is no file',
      `INSERT INTO chatkeep.migrations (id, name, hash) VALUES (${LAST + 1}, 'from-the-future', repeat('0', 40))`,
      ['migration_unknown'],
      { object: `migration ${LAST + 1}_from-the-future` },
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
      'CREATE TABLE chatkeep.scratch (id integer)',
      ['unknown_leftover'],
      { severity: 'warning', object: 'table "chatkeep"."scratch"' },
    ],
    [
      'an archive that was not put back',
      `${CREATE_ARCHIVE}; INSERT INTO chatkeep.archive VALUES (1), (2)`,
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
      ['doubled_idempotency_keys', 'index_missing'],
      { object: 'idempotency keys with more than one message' },
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
      {
        help: 'in psql: UPDATE "public"."ChatMessage" SET "guestUnverified" = false WHERE "guestUnverified" IS NULL; ALTER TABLE "public"."ChatMessage" ALTER COLUMN "guestUnverified" SET NOT NULL;',
      },
    ],
    [
      'a table of our own, gone',
      'DROP TABLE "chatkeep"."guest_clients"',
      ['own_schema_incomplete'],
      { object: 'table "chatkeep"."guest_clients"', help: 'chatkeep migrate' },
    ],
    [
      'a table in our place with other columns',
      'ALTER TABLE "chatkeep"."guest_clients" ADD COLUMN "note" text',
      ['own_object_differs'],
      {
        object: 'table "chatkeep"."guest_clients"',
        help: 'in psql: ALTER TABLE "chatkeep"."guest_clients" RENAME TO "guest_clients_old";',
      },
    ],
    [
      'a primary key of our own table that is gone',
      'ALTER TABLE "chatkeep"."guest_clients" DROP CONSTRAINT "guest_clients_pkey"',
      ['own_schema_incomplete'],
      { object: 'primary key of "chatkeep"."guest_clients"', help: 'chatkeep migrate' },
    ],
    [
      'an object of our own that belongs to somebody else',
      'ALTER TABLE chatkeep.runs OWNER TO pg_monitor',
      ['own_object_owner'],
      { object: 'table "chatkeep"."runs"', help: 'in psql: ALTER TABLE "chatkeep"."runs" OWNER TO "postgres";' },
    ],
    [
      'a right to delete the history',
      'GRANT SELECT, DELETE ON chatkeep.migrations TO pg_monitor',
      ['own_privileges'],
      { severity: 'warning', expected: 'no DELETE for pg_monitor', help: 'chatkeep migrate' },
    ],
    [
      'indexes of recent chats that are gone',
      `DROP INDEX "ChatMessage_createdAt_clientId_idx", "ChatMessage_hour_clientId_idx",
         "ChatMessage_unlinked_hour_idx"`,
      ['index_missing', 'index_missing', 'index_missing'],
      { object: 'index "ChatMessage_createdAt_clientId_idx"', help: 'chatkeep migrate' },
    ],
    [
      'an index of hours that is one of days',
      `DROP INDEX "ChatMessage_hour_clientId_idx";
       CREATE INDEX "ChatMessage_hour_clientId_idx" ON "ChatMessage" (date_trunc('day', "createdAt"), "clientId")`,
      ['index_differs'],
      { actual: `index on "ChatMessage" btree (date_trunc('day'::text, "createdAt"), "clientId")` },
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
    await typeSteps(database, found[0]?.steps ?? [])
    expect(findingsOf(await verify(database))).toEqual([])
  })

  test('that a migration is running, and advises to wait', async ({ database }) => {
    await migrated(database)
    await database.load(`DROP INDEX ${GUEST_INDEX}`)
    await database.client({ application_name: 'chatkeep migrate' })
    await database.client({ application_name: 'chatkeep migrate --dry-run' })
    const pid = expect.stringMatching(/^chatkeep migrate \(pid \d+\)$/) as string
    expect(findingsOf(await verify(database))).toMatchObject([
      { code: 'index_missing' },
      { code: 'change_running', severity: 'note', actual: pid },
    ])
    expect((await on(database, 'verify')).stdout).toMatch(/ Next: wait until it ends; then chatkeep verify\n$/)
  })

  test('everything at once, the gravest first, and says the first next step last', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load(
      `DROP INDEX ${GUEST_INDEX}; DROP INDEX "Client_phone_key"; UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 3`,
    )
    const severities = parse(await verify(database)).findings.map(({ severity }) => severity)
    expect(severities.slice(0, 5)).toEqual(['error', 'error', 'error', 'warning', 'warning'])
    const { stdout, exitCode } = await on(database, 'verify')
    expect(exitCode).toBe(1)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(
        `^FAIL: ${database.name} is not migrated as it should be: 3 errors, \\d warnings \\(.+\\)\\. Next: accept the file, in psql: UPDATE "chatkeep"."migrations" SET "name" = 'index-guest-username', "hash" = '[0-9a-f]{40}' WHERE "id" = 3`,
      ),
    )
  })
})
