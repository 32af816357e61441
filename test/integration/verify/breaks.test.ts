import { EFFECTS } from '../../../src/migrations/ledger/effects.js'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { expectExplained } from '../../support/explained.js'
import { findingsOf, verify, type FoundFinding } from '../../support/findings.js'
import { typeSteps } from '../../support/next-steps.js'
import { casesOf } from '../../support/thorough.js'
import { untilRows } from '../../support/until.js'

/** Breaks a healthy database in one way, and says what exactly is found then. */
type Break = readonly [what: string, breakage: string, codes: readonly string[], first: Partial<FoundFinding>]

const GUEST_INDEX = '"ChatMessage_guestUsername_createdAt_idx"'
const UNLINKED_INDEX = '"ChatMessage_unlinked_idx"'
const KEY_INDEX = '"ChatMessage_idempotencyKey_key"'

const rebuilt = (index: string, definition: string): string =>
  `DROP INDEX ${index}; CREATE ${index === KEY_INDEX ? 'UNIQUE ' : ''}INDEX ${index} ON "ChatMessage" ${definition}`

const marked = (index: string, setting: string): string =>
  `UPDATE pg_index SET ${setting} WHERE indexrelid = '${index}'::regclass`

const beforeInsert = (body: string, table = 'ChatMessage'): string => `
  CREATE FUNCTION application_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$;
  CREATE TRIGGER application_trigger BEFORE INSERT ON "${table}" FOR EACH ROW EXECUTE FUNCTION application_trigger()`

const INSERT_MESSAGE = 'INSERT INTO "ChatMessage" ("senderType", "messageType", "clientId", "guestUsername", "text")'
const INSERT_CLIENT = 'INSERT INTO "Client" ("updatedAt", "username")'
const WITHOUT_CLIENT_KEY = 'ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_clientId_fkey"'
const CLIENT_KEY = `${WITHOUT_CLIENT_KEY}; ALTER TABLE "ChatMessage" ADD CONSTRAINT "ChatMessage_clientId_fkey" FOREIGN KEY ("clientId") REFERENCES "Client" ("id") NOT VALID`

const replacedKey = (reference: string): string =>
  `${WITHOUT_CLIENT_KEY}; ALTER TABLE "ChatMessage" ADD CONSTRAINT "ChatMessage_clientId_fkey" FOREIGN KEY ("clientId") REFERENCES ${reference}`

const breaks: readonly Break[] = [
  [
    'a client that takes its messages along',
    replacedKey('"Client" ON DELETE CASCADE'),
    ['foreign_key_cascades'],
    { severity: 'warning', actual: 'ON DELETE CASCADE: deleting a row of "Client" deletes its messages' },
  ],
  ['a client that is looked for elsewhere', replacedKey('"User"'), ['foreign_key_elsewhere'], { actual: 'to User' }],
  [
    'an operator whom nothing holds',
    'ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_operatorId_fkey"',
    ['foreign_key_missing'],
    { severity: 'note', object: '"ChatMessage"."operatorId"' },
  ],
  [
    'a constraint that an earlier SET NOT NULL left behind',
    'ALTER TABLE "ChatMessage" ADD CONSTRAINT client_present CHECK ("clientId" IS NOT NULL) NOT VALID',
    ['constraint_excludes_guests', 'constraint_not_validated'],
    { actual: 'CHECK ("clientId" IS NOT NULL) rejects them' },
  ],
  [
    "a guest's name and a key that must not be missing",
    'ALTER TABLE "ChatMessage" ALTER COLUMN "guestUsername" SET NOT NULL, ALTER COLUMN "idempotencyKey" SET NOT NULL',
    ['column_nullability', 'column_nullability'],
    { help: 'in psql: ALTER TABLE "public"."ChatMessage" ALTER COLUMN "guestUsername" DROP NOT NULL;' },
  ],
  [
    'a name of a client that is checked at the end of the transaction',
    'DROP INDEX "Client_username_key"; ALTER TABLE "Client" ADD CONSTRAINT "Client_username_key" UNIQUE ("username") DEFERRABLE INITIALLY DEFERRED',
    ['constraint_deferrable'],
    {
      object: 'constraint "Client_username_key" on "Client"',
      help: 'in psql: ALTER TABLE "public"."Client" DROP CONSTRAINT "Client_username_key", ADD CONSTRAINT "Client_username_key" UNIQUE (username);',
    },
  ],
  [
    'an idempotency key that is checked at the end of the transaction',
    `DROP INDEX ${KEY_INDEX}; ALTER TABLE "ChatMessage" ADD CONSTRAINT ${KEY_INDEX} UNIQUE ("idempotencyKey") DEFERRABLE`,
    ['index_differs'],
    {
      actual: 'unique index on "ChatMessage" btree ("idempotencyKey") DEFERRABLE',
      help: `in psql: ALTER TABLE "public"."ChatMessage" DROP CONSTRAINT ${KEY_INDEX}; then chatkeep migrate`,
    },
  ],
  [
    'a schema in which everybody may create objects',
    'GRANT CREATE ON SCHEMA public TO PUBLIC',
    ['schema_open_to_others'],
    { object: 'schema "public"', severity: 'warning', help: 'in psql: REVOKE CREATE ON SCHEMA "public" FROM PUBLIC;' },
  ],
  [
    'messages that begin as read',
    'ALTER TABLE "ChatMessage" ALTER COLUMN "isRead" SET DEFAULT true',
    ['column_default'],
    {
      object: '"ChatMessage"."isRead"',
      expected: 'a default that gives false',
      actual: 'true, the same for every insert',
      help: 'in psql: ALTER TABLE "public"."ChatMessage" ALTER COLUMN "isRead" SET DEFAULT false;',
    },
  ],
  [
    'a mark of reading that nobody fills',
    'ALTER TABLE "ChatMessage" ALTER COLUMN "isRead" DROP DEFAULT',
    ['column_without_default'],
    { object: '"ChatMessage"."isRead"' },
  ],
  [
    'a time of writing that is always the same',
    `ALTER TABLE "ChatMessage" ALTER COLUMN "createdAt" SET DEFAULT 'now'`,
    ['column_default'],
    {
      object: '"ChatMessage"."createdAt"',
      expected: 'a default that gives the time',
      actual: expect.stringMatching(/^'\d{4}-.*'::timestamp.*, the same for every insert$/) as string,
      help: 'in psql: ALTER TABLE "public"."ChatMessage" ALTER COLUMN "createdAt" SET DEFAULT CURRENT_TIMESTAMP;',
    },
  ],
  [
    'a time of writing that other programs must know',
    'ALTER TABLE "ChatMessage" ALTER COLUMN "createdAt" DROP DEFAULT',
    ['column_default'],
    { severity: 'warning', actual: 'none: inserts of other programs that omit it fail' },
  ],
  [
    'a mark of unverified guests that an application does not know and must fill',
    'ALTER TABLE "ChatMessage" ALTER COLUMN "guestUnverified" DROP DEFAULT',
    ['column_default'],
    { severity: 'error', object: '"ChatMessage"."guestUnverified"' },
  ],
  [
    'messages that belong to the same client unless somebody says otherwise',
    'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET DEFAULT 1',
    ['column_default'],
    {
      expected: 'no default',
      help: 'in psql: ALTER TABLE "public"."ChatMessage" ALTER COLUMN "clientId" DROP DEFAULT;',
    },
  ],
  [
    'an id that is always the same',
    'ALTER TABLE "ChatMessage" ALTER COLUMN "id" SET DEFAULT 1',
    ['column_default'],
    {
      object: '"ChatMessage"."id"',
      help: expect.stringMatching(
        /ALTER COLUMN "id" SET DEFAULT nextval\('"public"."ChatMessage_id_seq"'\);$/,
      ) as string,
    },
  ],
  [
    'an index that was never finished',
    marked(GUEST_INDEX, 'indisvalid = false, indisready = false'),
    ['index_not_ready'],
    {
      actual: 'not ready: a concurrent build failed in its first phase, and new rows are not in the index',
      help: 'chatkeep migrate',
    },
  ],
  [
    'an index that was half dropped',
    marked(GUEST_INDEX, 'indisvalid = false, indisready = false, indislive = false'),
    ['index_not_ready'],
    { actual: 'not live: a concurrent drop failed, and new rows are not in the index' },
  ],
  ...casesOf<readonly [what: string, index: string, definition: string]>(
    [
      ['other columns', GUEST_INDEX, '("guestUsername")'],
      ['another predicate', UNLINKED_INDEX, '("guestUsername", "createdAt" DESC) WHERE "clientId" IS NOT NULL'],
      ['NULLs that are not distinct', KEY_INDEX, '("idempotencyKey") NULLS NOT DISTINCT'],
    ],
    [
      ['the columns in another order', GUEST_INDEX, '("createdAt" DESC, "guestUsername")'],
      ['another direction', GUEST_INDEX, '("guestUsername", "createdAt")'],
      ['another order of NULLs', GUEST_INDEX, '("guestUsername", "createdAt" DESC NULLS LAST)'],
      ['another collation', GUEST_INDEX, '("guestUsername" COLLATE "C", "createdAt" DESC)'],
      ['another operator class', GUEST_INDEX, '("guestUsername" text_pattern_ops, "createdAt" DESC)'],
      ['another method', GUEST_INDEX, 'USING brin ("guestUsername", "createdAt")'],
      ['a predicate', GUEST_INDEX, '("guestUsername", "createdAt" DESC) WHERE "guestUsername" IS NOT NULL'],
      ['no predicate', UNLINKED_INDEX, '("guestUsername", "createdAt" DESC)'],
      ['columns that come along', GUEST_INDEX, '("guestUsername", "createdAt" DESC) INCLUDE ("id")'],
      ['an expression', GUEST_INDEX, '(lower("guestUsername"), "createdAt" DESC)'],
    ],
  ).map(([what, index, definition]): Break => [
    `an index with ${what}`,
    rebuilt(index, definition),
    ['index_differs'],
    {
      object: `index ${index}`,
      help: expect.stringMatching(
        /^in psql: (ALTER INDEX .* RENAME TO .*|DROP INDEX .*_key"); then chatkeep migrate$/,
      ) as string,
    },
  ]),
  [
    'an index on another table',
    `DROP INDEX ${GUEST_INDEX}; CREATE INDEX ${GUEST_INDEX} ON "Client" ("username", "createdAt" DESC)`,
    ['index_differs'],
    { actual: 'index on "Client" btree (username, "createdAt" DESC)' },
  ],
  [
    'what a REINDEX CONCURRENTLY left behind',
    `CREATE INDEX "ChatMessage_unread_idx_ccnew" ON "ChatMessage" ("clientId");
     CREATE INDEX "Client_username_key_ccold1" ON "Client" ("username");
     ${marked('"ChatMessage_unread_idx_ccnew"', 'indisvalid = false')};
     ${marked('"Client_username_key_ccold1"', 'indisvalid = false, indisready = false')}`,
    ['index_leftover', 'index_leftover'],
    {
      severity: 'warning',
      object: 'index "ChatMessage_unread_idx_ccnew" on "ChatMessage"',
      help: 'in psql: DROP INDEX CONCURRENTLY "public"."ChatMessage_unread_idx_ccnew";',
    },
  ],
  [
    'an enum of another schema under the same name',
    `CREATE SCHEMA other; CREATE TYPE other."MessageType" AS ENUM ('TEXT', 'IMAGE');
     ALTER TABLE "ChatMessage" ALTER COLUMN "messageType" TYPE other."MessageType" USING "messageType"::text::other."MessageType"`,
    ['column_type'],
    { object: '"ChatMessage"."messageType"', actual: 'other."MessageType", NOT NULL' },
  ],
  [
    'a sender that is any text',
    `DROP INDEX "ChatMessage_unread_idx"; ALTER TABLE "ChatMessage" ALTER COLUMN "senderType" TYPE text`,
    ['column_type', 'index_missing'],
    {},
  ],
  [
    'a history that is empty',
    'TRUNCATE chatkeep.migrations',
    ['history_missing'],
    { actual: `empty, although the effects of ${EFFECTS.length} of ${EFFECTS.length} migrations exist` },
  ],
  [
    'a history that is gone, and an index',
    `DROP TABLE chatkeep.migrations; DROP INDEX ${GUEST_INDEX}`,
    ['history_missing'],
    { actual: `missing, although the effects of ${EFFECTS.length - 1} of ${EFFECTS.length} migrations exist` },
  ],
  [
    'a history without its first row',
    'DELETE FROM chatkeep.migrations WHERE id = 0',
    ['history_damaged'],
    { actual: 'no row 0', help: 'chatkeep migrate' },
  ],
  [
    'a history whose first row is not ours',
    `UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 0`,
    ['history_damaged'],
    { actual: 'row 0 has another hash', help: 'chatkeep migrate' },
  ],
  [
    'a history that was restored twice',
    `ALTER TABLE chatkeep.migrations DROP CONSTRAINT migrations_pkey, DROP CONSTRAINT migrations_name_key;
     INSERT INTO chatkeep.migrations SELECT * FROM chatkeep.migrations WHERE id IN (0, 3)`,
    ['history_damaged', 'own_schema_incomplete'],
    { actual: 'more than one for 0, 3' },
  ],
  [
    'a published table whose rows have no identity',
    `ALTER TABLE "ChatMessage" REPLICA IDENTITY NOTHING; CREATE PUBLICATION "everything" FOR ALL TABLES`,
    ['replica_identity_missing'],
    {
      object: 'table "public"."ChatMessage"',
      help: 'in psql: ALTER TABLE "public"."ChatMessage" REPLICA IDENTITY FULL;',
    },
  ],
  [
    'a table of our own without a primary key in a publication',
    `ALTER TABLE chatkeep.guest_clients DROP CONSTRAINT guest_clients_pkey; CREATE PUBLICATION "everything" FOR ALL TABLES`,
    ['replica_identity_missing', 'own_schema_incomplete'],
    { object: 'table "chatkeep"."guest_clients"' },
  ],
  [
    'a table that a crash empties',
    'ALTER TABLE "ChatMessage" SET UNLOGGED',
    ['table_unlogged'],
    {
      severity: 'error',
      object: 'table "ChatMessage"',
      help: 'in psql: ALTER TABLE "public"."ChatMessage" SET LOGGED;',
    },
  ],
  [
    'a function and a trigger that are named like ours',
    `CREATE FUNCTION chatkeep.scratch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
     CREATE TRIGGER chatkeep_scratch AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION chatkeep.scratch()`,
    ['unknown_leftover', 'unknown_leftover'],
    { severity: 'warning', object: 'trigger "chatkeep_scratch" on "public"."ChatMessage"' },
  ],
  [
    'a foreign key that was never checked',
    CLIENT_KEY,
    ['constraint_not_validated'],
    {
      severity: 'warning',
      object: 'foreign key "ChatMessage_clientId_fkey" on "ChatMessage"',
      help: 'in psql: ALTER TABLE "public"."ChatMessage" VALIDATE CONSTRAINT "ChatMessage_clientId_fkey";',
    },
  ],
  [
    'a check over our columns that was never checked',
    'ALTER TABLE "ChatMessage" ADD CONSTRAINT "known" CHECK ("text" IS NOT NULL OR "imageUrl" IS NOT NULL) NOT VALID',
    ['constraint_not_validated'],
    { object: 'check "known" on "ChatMessage"' },
  ],
  [
    'foreign keys whose triggers are disabled',
    'ALTER TABLE "ChatMessage" DISABLE TRIGGER ALL; ALTER TABLE "ChatMessage" ENABLE TRIGGER USER',
    ['foreign_key_disabled', 'foreign_key_disabled'],
    { severity: 'warning', object: 'foreign key "ChatMessage_clientId_fkey" on "ChatMessage"' },
  ],
  [
    'messages of clients that do not exist',
    `${WITHOUT_CLIENT_KEY}; ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', 77, NULL, 'secret'), ('CLIENT', 'TEXT', NULL, 'ann', 'x')`,
    ['orphaned_messages', 'foreign_key_missing'],
    { severity: 'error', actual: '1', sample: [1] },
  ],
  [
    'messages of clients that do not exist, under a key that was never checked',
    `${WITHOUT_CLIENT_KEY}; ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', 77, NULL, 'secret');
     ${CLIENT_KEY.slice(WITHOUT_CLIENT_KEY.length + 1)}`,
    ['orphaned_messages', 'constraint_not_validated'],
    { actual: '1' },
  ],
  [
    'a rule that writes nothing',
    'CREATE RULE "nothing" AS ON INSERT TO "ChatMessage" DO INSTEAD NOTHING',
    ['rule_on_table'],
    {
      severity: 'error',
      object: 'rule "nothing" on "ChatMessage"',
      actual: 'ON INSERT DO INSTEAD: rows are not written',
      help: 'in psql: DROP RULE "nothing" ON "public"."ChatMessage"; then use a trigger for its purpose',
    },
  ],
  [
    'a rule that marks nothing as read, and one beside that makes saving fail',
    `CREATE RULE "nothing" AS ON UPDATE TO "ChatMessage" WHERE new."isRead" DO INSTEAD NOTHING;
     CREATE TABLE "Audit" ("id" integer);
     CREATE RULE "audited" AS ON INSERT TO "Client" DO ALSO INSERT INTO "Audit" VALUES (new."id")`,
    ['rule_on_table', 'rule_on_table'],
    { object: 'rule "nothing" on "ChatMessage"' },
  ],
  [
    'a trigger that swallows messages',
    beforeInsert(`BEGIN IF new."text" LIKE '%spam%' THEN RETURN NULL; END IF; RETURN new; END`),
    ['trigger_swallows'],
    {
      severity: 'warning',
      object: 'trigger "application_trigger" on "ChatMessage"',
      actual:
        'BEFORE INSERT, and public.application_trigger() can return NULL: the row is then skipped without an error',
    },
  ],
  [
    'a trigger that swallows clients',
    beforeInsert('BEGIN RETURN OLD; END', 'Client'),
    ['trigger_swallows'],
    { object: 'trigger "application_trigger" on "Client"' },
  ],
  [
    'ids that will run out',
    `SELECT setval('"ChatMessage_id_seq"', 1800000000)`,
    ['sequence_ending'],
    {
      severity: 'warning',
      object: 'sequence "ChatMessage_id_seq" of "ChatMessage"."id"',
      actual: '83 % used: 1,800,000,000 of 2,147,483,647',
      help: 'plan the change of "ChatMessage"."id" to bigint: chatkeep explain sequence_ending',
    },
  ],
  [
    'ids that are about to run out',
    `ALTER SEQUENCE "Client_id_seq" AS bigint; SELECT setval('"Client_id_seq"', 2100000000)`,
    ['sequence_ending'],
    { severity: 'error', actual: '97 % used: 2,100,000,000 of 2,147,483,647' },
  ],
  [
    'a sequence with an end of its own',
    `ALTER SEQUENCE "ChatMessage_id_seq" MAXVALUE 1000; SELECT setval('"ChatMessage_id_seq"', 990)`,
    ['sequence_ending'],
    { severity: 'error', help: 'in psql: ALTER SEQUENCE "public"."ChatMessage_id_seq" NO MAXVALUE;' },
  ],
  [
    'a sequence behind the ids',
    `INSERT INTO "Client" ("id", "updatedAt", "username") VALUES (5, now(), 'five')`,
    ['sequence_behind'],
    {
      severity: 'error',
      object: 'sequence "Client_id_seq" of "Client"."id"',
      expected: 'at least 5, the largest id',
      actual: 'at 0: inserts fail while it returns existing ids',
      help: `in psql: SELECT setval('"public"."Client_id_seq"', (SELECT max("id") FROM "public"."Client"));`,
    },
  ],
  [
    'a sequence that belongs to nobody',
    'ALTER SEQUENCE "Client_id_seq" OWNED BY NONE',
    ['sequence_not_owned'],
    { severity: 'note', object: 'sequence "Client_id_seq" of "Client"."id"' },
  ],
  [
    'messages of the day after tomorrow',
    `INSERT INTO "ChatMessage" ("senderType", "messageType", "guestUsername", "createdAt")
     SELECT 'CLIENT', 'TEXT', 'ann', timezone('UTC', now()) + ahead FROM unnest(ARRAY[INTERVAL '2 days', INTERVAL '2 hours']) AS ahead`,
    ['future_messages'],
    { severity: 'warning', actual: '1', sample: [1] },
  ],
  [
    'names of clients that no guest can write',
    String.raw`${INSERT_CLIENT} VALUES (now(), 'plain'), (now(), ' before'), (now(), E'after\u00a0'), (now(), E'Jose\u0301'), (now(), E'Jos\u00e9')`,
    ['usernames_not_normal'],
    { severity: 'warning', actual: '3 among the newest 10,000 clients', sample: [2, 3, 4] },
  ],
  [
    'an unverified guest without a name',
    `${INSERT_CLIENT} VALUES (now(), 'ann');
     INSERT INTO "ChatMessage" ("senderType", "messageType", "clientId", "guestUsername", "guestUnverified")
     VALUES ('CLIENT', 'TEXT', 1, 'ann', true), ('CLIENT', 'TEXT', 1, NULL, true)`,
    ['unverified_without_guest'],
    { severity: 'warning', actual: '1 among the newest 10,000 messages', sample: [2] },
  ],
]

/** What stays after every step was typed that can be typed. */
const REMAINING: Readonly<Record<string, readonly string[]>> = {
  // Two clients with one name are one person, who has to be merged.
  'names of clients that no guest can write': ['usernames_not_normal'],
  'ids that will run out': ['sequence_ending'],
  'ids that are about to run out': ['sequence_ending'],
}

/** Types the steps of the most urgent finding, until none is left or nothing changes. @returns the codes that are left */
const findingsAfterTyping = async (
  database: TestDatabase,
  found: readonly FoundFinding[],
): Promise<readonly string[]> => {
  const codes = found.map(({ code }) => code)
  const [first] = found
  if (first === undefined || (await typeSteps(database, first.steps)).length === 0) return codes
  const left = findingsOf(await verify(database))
  return JSON.stringify(left) === JSON.stringify(found)
    ? left.map(({ code }) => code)
    : findingsAfterTyping(database, left)
}

/** Where migrate is what helps, it has something to do or names what is in the way. */
const expectMigrateToHelp = async (database: TestDatabase, found: readonly FoundFinding[]): Promise<void> => {
  if (!found.some(({ help }) => /(?:^|: )chatkeep migrate/.test(help))) return
  const { exitCode, stdout } = await on(database, 'migrate', '--dry-run')
  expect(exitCode === 5 ? 'refused' : stdout).not.toContain('nothing needs to be')
}

const NEWER_THAN_14 = 'an index with NULLs that are not distinct'

const versionOf = async (database: TestDatabase): Promise<number> => {
  const [row] = await database.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::integer AS version`,
  )
  return row?.version ?? 0
}

describe('verify finds exactly', () => {
  test.for(breaks)('%s', async ([what, breakage, codes, first], { database, skip }) => {
    await migrated(database)
    skip(what === NEWER_THAN_14 && (await versionOf(database)) < 150_000, 'PostgreSQL 14 cannot say that')
    await database.load(breakage)
    const run = await verify(database)
    const found = findingsOf(run)
    expect(found.map(({ code }) => code)).toEqual(codes)
    expect(found[0]).toMatchObject(first)
    expectExplained(found)
    expect(run.stdout).not.toContain('secret')
    await expectMigrateToHelp(database, found)
    expect(await findingsAfterTyping(database, found)).toEqual(REMAINING[what] ?? [])
  })

  test('nothing in what a DBA tunes, as migrate and rollback do', async ({ database }) => {
    await migrated(database)
    await database.load(`
      ALTER INDEX ${KEY_INDEX} SET (fillfactor = 70); ALTER INDEX ${UNLINKED_INDEX} SET (deduplicate_items = off);
      ALTER INDEX "Client_username_key" SET (fillfactor = 80, deduplicate_items = on);
      ALTER INDEX "Client_createdAt_brin" RESET (autosummarize); ALTER INDEX "Client_createdAt_brin" SET (pages_per_range = 64);
      ALTER INDEX "ChatMessage_hour_clientId_idx" ALTER COLUMN 1 SET STATISTICS 500;
      COMMENT ON INDEX ${KEY_INDEX} IS 'tuned'; ALTER TABLE "ChatMessage" CLUSTER ON ${GUEST_INDEX};
      ALTER TABLE "ChatMessage" SET (autovacuum_vacuum_scale_factor = 0.01, fillfactor = 90);
      ALTER TABLE "ChatMessage" ALTER COLUMN "guestUsername" SET STORAGE EXTERNAL, ALTER COLUMN "guestUsername" SET STATISTICS 300`)
    expect(findingsOf(await verify(database))).toEqual([])
    expect((await on(database, 'migrate')).stdout).toContain('nothing had to be done')
    expect((await on(database, 'rollback', '--dry-run')).exitCode).toBe(0)
  })

  test('nothing about a sequence that was just restarted', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load('ALTER SEQUENCE "ChatMessage_id_seq" RESTART WITH 6001')
    expect(findingsOf(await verify(database))).toEqual([])
  })
})

describe('verify finds nothing in', () => {
  test.for([
    [
      'other defaults that work',
      `
      ALTER TABLE "ChatMessage" ALTER COLUMN "createdAt" SET DEFAULT timezone('UTC', now());
      ALTER TABLE "Client" ALTER COLUMN "createdAt" SET DEFAULT clock_timestamp();
      ALTER TABLE "ChatMessage" ALTER COLUMN "idempotencyKey" SET DEFAULT gen_random_uuid()::text;
      ALTER TABLE "ChatMessage" ALTER COLUMN "isRead" SET DEFAULT 'f'`,
    ],
    [
      'ids by identity',
      `
      ALTER TABLE "ChatMessage" ALTER COLUMN "id" DROP DEFAULT;
      DROP SEQUENCE "ChatMessage_id_seq";
      ALTER TABLE "ChatMessage" ALTER COLUMN "id" ADD GENERATED ALWAYS AS IDENTITY`,
    ],
    [
      "ids of the application's own making",
      `
      CREATE FUNCTION new_id() RETURNS integer LANGUAGE sql AS 'SELECT (random() * 2000000000)::integer';
      ALTER TABLE "ChatMessage" ALTER COLUMN "id" SET DEFAULT new_id();
      INSERT INTO "ChatMessage" ("senderType", "messageType", "guestUsername") VALUES ('CLIENT', 'TEXT', 'ann')`,
    ],
    [
      'indexes, columns, tables, triggers, constraints and views of the application',
      `
      CREATE INDEX "own_idx" ON "ChatMessage" ("text"); CREATE INDEX "old_ccnew" ON "ChatMessage" ("mimeType");
      ALTER TABLE "ChatMessage" ADD COLUMN "rating" integer DEFAULT 5, ADD CONSTRAINT "rated" CHECK ("rating" < 6) NOT VALID;
      CREATE TABLE "Migrations" ("id" integer); CREATE VIEW "Chats" AS SELECT * FROM "ChatMessage";
      CREATE RULE "cleaned" AS ON DELETE TO "ChatMessage" DO INSTEAD NOTHING;
      CREATE RULE "quiet" AS ON INSERT TO "User" DO INSTEAD NOTHING;
      ${beforeInsert(`BEGIN -- RETURN NULL would skip it
        new."text" := coalesce(new."text", 'RETURN NULL'); RETURN new; END`)};
      CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER counted AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION counted();
      CREATE TRIGGER "off" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION counted();
      ALTER TABLE "ChatMessage" DISABLE TRIGGER "off"`,
    ],
    [
      'a chat without foreign keys',
      `
      ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_clientId_fkey", DROP CONSTRAINT "ChatMessage_operatorId_fkey"`,
    ],
    ['ids of a big table that are far from their end', `SELECT setval('"ChatMessage_id_seq"', 1700000000)`],
  ] as const)('%s', async ([, change], { database }) => {
    await migrated(database)
    await database.load(change)
    expect(findingsOf(await verify(database))).toEqual([])
  })
})

describe('verify and an index that is being built', () => {
  test('says so in a note, and no more', async ({ database }) => {
    await migrated(database)
    await database.load(`DROP INDEX ${GUEST_INDEX}`)
    const writer = await database.client()
    await writer.query('BEGIN; LOCK TABLE "ChatMessage" IN ROW EXCLUSIVE MODE')
    const builder = await database.client()
    const built = builder.query(
      `CREATE INDEX CONCURRENTLY ${GUEST_INDEX} ON "ChatMessage" ("guestUsername", "createdAt" DESC)`,
    )
    const building = 'SELECT FROM pg_stat_progress_create_index WHERE datname = current_database()'
    await untilRows(database, building, { what: 'the index is being built' })
    const found = findingsOf(await verify(database))
    await writer.query('COMMIT')
    await built
    expect(found).toMatchObject([
      {
        code: 'index_not_ready',
        severity: 'note',
        actual: 'being built right now: queries cannot use it until then',
      },
    ])
    expect(findingsOf(await verify(database))).toEqual([])
  })
})

describe('the command that verify suggests', () => {
  test('names the rows that a restore made twice, and what removes them', async ({ database }) => {
    await migrated(database)
    await database.load(`
      INSERT INTO "Client" ("id", "updatedAt", "username") VALUES (nextval('"Client_id_seq"'), now(), 'ann');
      ALTER TABLE chatkeep.guest_clients DROP CONSTRAINT guest_clients_pkey; INSERT INTO chatkeep.guest_clients VALUES (1), (1);
      ALTER TABLE chatkeep.migrations DROP CONSTRAINT migrations_pkey, DROP CONSTRAINT migrations_name_key;
      INSERT INTO chatkeep.migrations SELECT * FROM chatkeep.migrations WHERE id = 3`)
    const [damaged] = findingsOf(await verify(database))
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining(`hint: ${damaged?.help ?? '?'}`)])
    const statements = [...stderr.matchAll(/in psql: (DELETE .*;)$/gm)].map(([, statement]) => statement ?? '')
    expect(statements).toHaveLength(2)
    await database.load(statements.join(''))
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(findingsOf(await verify(database))).toEqual([])
  })

  test('brings a lost history back, and migrates on', async ({ database }) => {
    await migrated(database)
    await database.load(`TRUNCATE chatkeep.migrations; DROP INDEX ${GUEST_INDEX}`)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(findingsOf(await verify(database))).toEqual([])
  })
})
