import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checksum, migrated, on } from '../../support/chat.js'
import { OperatorError } from '../../../src/index.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { fixtureNames, loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { withMigrationsFolder } from '../../support/migrations-folder.js'
import { TABLE_WAITS } from '../../support/table-waits.js'
import { until, untilRows } from '../../support/until.js'
import { MIGRATION_COUNT, NEXT_MIGRATION } from '../../support/migration-list.js'

const GUEST_COLUMNS = ['guestUsername', 'guestPhone', 'idempotencyKey', 'guestUnverified']

const history = (database: TestDatabase) => database.query('SELECT id, name FROM "chatkeep"."migrations" ORDER BY id')

const schemaOf = async (database: TestDatabase): Promise<Readonly<Record<string, unknown>>> => ({
  columns: await database.query(
    `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
     WHERE attrelid = '"ChatMessage"'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`,
  ),
  indexes: await database.query(
    `SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index
     WHERE indrelid = '"ChatMessage"'::regclass OR indexrelid = to_regclass('"Client_createdAt_brin"') ORDER BY 1`,
  ),
  ownTables: await database.query(
    `SELECT relname, obj_description(oid, 'pg_class') AS comment,
       ARRAY(SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
             FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 ORDER BY attnum) AS columns,
       ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = c.oid ORDER BY 1) AS indexes
     FROM pg_class AS c WHERE relnamespace = to_regnamespace('chatkeep') AND relkind = 'r' ORDER BY relname`,
  ),
  triggers: await database.query(
    `SELECT pg_get_triggerdef(oid) AS definition, tgenabled AS enabled FROM pg_trigger WHERE tgname LIKE 'chatkeep%' ORDER BY tgname`,
  ),
  functions: await database.query(
    `SELECT proname, md5(prosrc), prosecdef, proconfig FROM pg_proc WHERE proname LIKE 'chatkeep%' ORDER BY proname`,
  ),
})

// One file for all: however a database came, it ends like every other.
const expectMigratedSchema = async (database: TestDatabase): Promise<void> => {
  const found = { ...(await schemaOf(database)), history: await history(database) }
  await expect(`${JSON.stringify(found, null, 2)}\n`).toMatchFileSnapshot('../../support/migrated-schema.json')
}

describe('migrate', () => {
  test('takes an empty database all the way', async ({ database }) => {
    const { exitCode, stdout } = await on(database, 'migrate', '--create-tables')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(
      new RegExp(
        `^ok: \\S+ is migrated: schema chatkeep created, ${MIGRATION_COUNT} migrations done, 0 already there \\(.*\\)\\. Next: chatkeep verify\n$`,
      ),
    )
    await expectMigratedSchema(database)
  })

  test('changes nothing the second time', async ({ database }) => {
    await migrated(database, 'crm-before')
    const before = await database.query('SELECT * FROM "chatkeep"."migrations"')
    const { exitCode, stdout } = await on(database, 'migrate')
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringContaining(`nothing had to be done, ${MIGRATION_COUNT} already there`),
    ])
    expect(await database.query('SELECT * FROM "chatkeep"."migrations"')).toEqual(before)
  })

  test.for(fixtureNames.filter((name) => name !== 'foreign-migrations-table'))(
    'adopts %s: the same schema and history, and no message touched',
    async (fixture, { database }) => {
      await loadFixture(database, fixture)
      const messages = await checksum(database, 'ChatMessage', GUEST_COLUMNS)
      const clients = await checksum(database, 'Client')
      const { exitCode, stderr } = await on(database, 'migrate')
      expect(exitCode, stderr).toBe(0)
      expect(await checksum(database, 'ChatMessage', GUEST_COLUMNS)).toEqual(messages)
      expect(await checksum(database, 'Client')).toEqual(clients)
      await expectMigratedSchema(database)
    },
  )

  test('records what was done by hand and rebuilds an INVALID index', async ({ database }) => {
    await loadFixture(database, 'half-migrated')
    const { stdout } = await on(database, 'migrate', '--json')
    const { steps } = JSON.parse(stdout) as { steps: { name: string; action: string }[] }
    expect(steps.map(({ name, action }) => `${name}: ${action}`)).toEqual([
      'create-chat-tables: record',
      'allow-guest-messages: record',
      'index-guest-username: rebuild',
      'index-client-socket-id: run',
      'add-idempotency-key: run',
      'index-idempotency-key: run',
      'mark-unverified-guests: run',
      'index-unread: run',
      'index-unlinked: run',
      'index-created-at: run',
      'index-hour: run',
      'index-unlinked-hour: run',
      'index-client-created-at: run',
    ])
  })

  test.for([
    ['a dropped index', 'DROP INDEX "ChatMessage_guestUsername_createdAt_idx"'],
    [
      'an INVALID index',
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"ChatMessage_idempotencyKey_key"'::regclass`,
    ],
    ['a NOT NULL put back by hand', 'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET NOT NULL'],
    ['a partial index', 'DROP INDEX "ChatMessage_unread_idx"'],
    ['the mark of unverified guests', 'ALTER TABLE "ChatMessage" DROP COLUMN "guestUnverified"'],
    ['a table of our own', 'DROP TABLE "chatkeep"."guest_clients"'],
    [
      'the primary key of a table of our own',
      'ALTER TABLE "chatkeep"."guest_clients" DROP CONSTRAINT "guest_clients_pkey"',
    ],
    ['an index over an expression', 'DROP INDEX "ChatMessage_hour_clientId_idx"'],
    ['an index of another table', 'DROP INDEX "Client_createdAt_brin"'],
  ])('repairs %s that the history believes done', async ([_what, sql = ''], { database }) => {
    await migrated(database)
    const healthy = await schemaOf(database)
    await database.query(sql)
    expect(await schemaOf(database)).not.toEqual(healthy)
    const { exitCode, stdout } = await on(database, 'migrate')
    expect(exitCode, stdout).toBe(0)
    expect(await schemaOf(database)).toEqual(healthy)
  })

  test('puts the first row of its history back', async ({ database }) => {
    await migrated(database)
    const before = await history(database)
    await database.query('DELETE FROM chatkeep.migrations WHERE id = 0')
    expect((await on(database, 'migrate')).stdout).toContain('schema chatkeep repaired')
    expect(await history(database)).toEqual(before)
  })

  test('needs no superuser, only the owner of the tables', async ({ database }) => {
    await database.load('DROP SCHEMA public CASCADE; CREATE SCHEMA chat')
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(
        `GRANT CREATE, USAGE ON SCHEMA chat TO ${name}; CREATE SCHEMA chatkeep_chat AUTHORIZATION ${name}`,
      )
      for (const argv of [
        ['migrate', '--create-tables'],
        ['verify'],
        ['rollback', '--confirm', database.name],
        ['migrate'],
        ['verify'],
      ]) {
        const { exitCode, stdout, stderr } = await runChatkeep([...argv, '--schema', 'chat', '--database-url', url])
        expect(exitCode, `${argv.join(' ')}: ${stdout} ${stderr}`).toBe(0)
      }
    })
  })

  test("is not disturbed by another tool's table named migrations, and does not touch it", async ({ database }) => {
    await loadFixture(database, 'foreign-migrations-table')
    const before = await database.query('SELECT * FROM public.migrations')
    for (const argv of [['migrate'], ['verify'], ['rollback', '--confirm', database.name], ['migrate'], ['verify']])
      expect((await on(database, ...argv)).exitCode, argv.join(' ')).toBe(0)
    expect(await database.query('SELECT * FROM public.migrations')).toEqual(before)
  })

  test.for([
    [
      'CREATE INDEX "ChatMessage_guestUsername_createdAt_idx" ON "ChatMessage" ("createdAt")',
      '3_index-guest-username: "ChatMessage_guestUsername_createdAt_idx" must be index on "ChatMessage" btree ("guestUsername", "createdAt" DESC), but is index on "ChatMessage" btree ("createdAt")',
    ],
    [
      'ALTER TABLE "ChatMessage" ADD COLUMN "guestPhone" integer',
      '2_allow-guest-messages: "ChatMessage"."guestPhone" must be text, but is integer',
    ],
    [
      'ALTER TABLE "Client" DROP COLUMN "phone"',
      '"Client"."phone" must be text or character varying, nullable, but is missing',
    ],
    ['ALTER TABLE "User" RENAME TO "Operator"', 'table "User" is missing'],
    [
      'ALTER TABLE "ChatMessage" ADD COLUMN "guestUnverified" boolean',
      '7_mark-unverified-guests: "ChatMessage"."guestUnverified" must be boolean, NOT NULL, but is nullable',
    ],
    [
      'CREATE SCHEMA chatkeep; CREATE TABLE "chatkeep"."guest_clients" ("id" bigint NOT NULL)',
      'table "chatkeep"."guest_clients": must be "clientId" bigint NOT NULL; primary key "clientId", but is "id" bigint NOT NULL',
    ],
    [
      'CREATE SCHEMA chatkeep; CREATE VIEW chatkeep.runs AS SELECT 1 AS "id"',
      'table "chatkeep"."runs": must be "id" integer NOT NULL',
    ],
    [
      'CREATE SCHEMA chatkeep; CREATE TABLE chatkeep.migrations ("id" serial PRIMARY KEY, "name" text, "run_on" timestamp)',
      'table "chatkeep"."migrations": must be "id" integer NOT NULL, "name" character varying(100) NOT NULL',
    ],
    [
      'CREATE SCHEMA chatkeep; CREATE SEQUENCE chatkeep.archive',
      'table "chatkeep"."archive": must be "messageId" bigint NOT NULL',
    ],
    [
      'CREATE SCHEMA chatkeep AUTHORIZATION pg_monitor',
      'schema "chatkeep": must be owned by postgres, as "ChatMessage", but is owned by pg_monitor',
    ],
  ])('refuses what is in its way: %s', async ([sql = '', reason = ''], { database }) => {
    await loadFixture(database, 'crm-before')
    await database.query(sql)
    const before = await schemaOf(database)
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining(reason)])
    expect(await schemaOf(database)).toEqual(before)
  })

  test('plans without writing, and says what it would do', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const before = await schemaOf(database)
    const { exitCode, stdout } = await on(database, 'migrate', '--dry-run')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('\n1_create-chat-tables: record only (already in the database)\n')
    expect(stdout).toContain(`dry run: nothing was changed; ${MIGRATION_COUNT + 1} steps to do. Next: chatkeep migrate`)
    expect(await schemaOf(database)).toEqual(before)
    expect(await database.query(`SELECT to_regclass('chatkeep.migrations') AS history`)).toEqual([{ history: null }])
  })

  test('works in a schema of its own, beside another in public', async ({ database }) => {
    await loadFixture(database, 'foreign-migrations-table')
    await database.query('CREATE SCHEMA "the chat"')
    const { exitCode, stderr } = await on(database, 'migrate', '--create-tables', '--schema', 'the chat')
    expect(exitCode, stderr).toBe(0)
    expect(await database.query('SELECT count(*)::integer AS rows FROM "chatkeep_the chat"."migrations"')).toEqual([
      { rows: MIGRATION_COUNT + 1 },
    ])
    expect(
      await database.query(
        `SELECT n.nspname AS schema FROM pg_namespace AS n
         WHERE n.nspname LIKE 'chatkeep%' OR EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = 'runs')`,
      ),
    ).toEqual([{ schema: 'chatkeep_the chat' }])
    expect((await on(database, 'migrate', '--schema', 'the chat')).stdout).toContain('nothing had to be done')
    const missing = await on(database, 'migrate', '--schema', 'nowhere')
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('schema "nowhere" does not exist')])
  })

  test('waits for the lock, names its holder and gives up with exit 4', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const holder = await database.client({ application_name: 'somebody else' })
    await holder.query('SELECT pg_advisory_lock(-8525285245963000605)')
    const { exitCode, stderr } = await on(database, 'migrate', '--max-wait', '2s')
    expect(exitCode).toBe(4)
    expect(stderr).toMatch(/waiting for the migration lock: blocked by pid \d+ \(somebody else, as /)
    expect(stderr).toMatch(/error: another migration is running: the lock is held by pid \d+ \(somebody else/)
  })

  test('tries again while the table is in use, names who uses it, and goes on when it is free', async ({
    database,
  }) => {
    await loadFixture(database, 'crm-before')
    const reader = await database.client({ application_name: 'long reader' })
    await reader.query('BEGIN')
    await reader.query('SELECT count(*) FROM "ChatMessage"')
    const run = on(database, 'migrate')
    await untilRows(database, TABLE_WAITS, { what: 'the first attempt waits' })
    // The first attempt ends, and only a second one finds the table free.
    await until(async () => (await database.query(TABLE_WAITS)).length === 0, { what: 'the first attempt ended' })
    await untilRows(database, TABLE_WAITS, { what: 'the second attempt waits' })
    await reader.query('COMMIT')
    const { exitCode, stderr } = await run
    expect(exitCode, stderr).toBe(0)
    // Seen while it waited, or right after the attempt.
    expect(stderr).toMatch(
      /waiting .*for "ChatMessage".*: blocked by pid \d+ \(long reader, as \S+, idle in transaction for \d+ s\)/,
    )
  })

  test('gives up on a table that stays in use, with exit 4 and nothing of the application changed', async ({
    database,
  }) => {
    await loadFixture(database, 'crm-before')
    const before = await schemaOf(database)
    const reader = await database.client({ application_name: 'long reader' })
    await reader.query('BEGIN')
    await reader.query('SELECT count(*) FROM "ChatMessage"')
    const { exitCode, stderr } = await on(database, 'migrate', '--max-wait', '1s')
    expect(exitCode).toBe(4)
    expect(stderr).toContain('error: "ChatMessage" was in use for 1 s')
    const { ownTables } = await schemaOf(database)
    expect({ ...(await schemaOf(database)), ownTables: before.ownTables }).toEqual(before)
    expect(ownTables).toHaveLength(8)
  })

  test('stops a running index build in the server when it is interrupted, says where things are, and goes on later', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    await database.query('DROP INDEX "ChatMessage_guestUsername_createdAt_idx"')
    const writer = await database.client()
    await writer.query('BEGIN')
    await writer.query(`UPDATE "ChatMessage" SET "isRead" = true WHERE id = 1`)
    const interruption = new AbortController()
    const run = runChatkeep(['migrate', '--database-url', database.url], { signal: interruption.signal })
    const building = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CREATE INDEX CONCURRENTLY%'`
    await untilRows(database, building, { what: 'the index build waits' })
    interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: 130 }))
    const { exitCode, stderr } = await run
    expect(exitCode).toBe(130)
    expect(stderr).toContain('error: migrate was ended by SIGINT; completed migrations are kept')
    expect(stderr).toContain(
      'state: "ChatMessage_guestUsername_createdAt_idx" is INVALID; the next migrate drops and rebuilds it',
    )
    expect(await database.query(building)).toEqual([])
    await writer.query('COMMIT')
    expect((await on(database, 'migrate')).stderr).toContain('its index is INVALID')
    await expectMigratedSchema(database)
  })

  test('is refused without the privilege, before the first statement', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const role = `${database.name}_reader`
    await database.load(
      `CREATE ROLE "${role}" LOGIN PASSWORD 'reader-secret'; GRANT USAGE ON SCHEMA public TO "${role}"`,
    )
    try {
      const url = new URL(database.url)
      url.username = role
      url.password = 'reader-secret'
      const { exitCode, stderr } = await runChatkeep(['migrate', '--database-url', url.href])
      expect(exitCode).toBe(3)
      expect(stderr).toContain('this role cannot change the tables; nothing was changed')
      expect(stderr).toContain('"ChatMessage" is owned by ')
      expect(stderr).not.toContain('reader-secret')
    } finally {
      await database.load(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`)
    }
  })

  test('refuses a database that is read-only', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only = on`)
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('the server is read-only')])
  })
})

describe('migration files', () => {
  test('that fail are shown with file, line, column, the line and the state', async ({ database }) => {
    await withMigrationsFolder(async (folder) => {
      await writeFile(
        join(folder, `${NEXT_MIGRATION}_break-things.sql`),
        'SELECT 1;\nALTER TABLE "ChatMessage"\n  ADD COLUMN "é" text, DROP COLUMN "nothing";\n',
      )
      const { exitCode, stderr } = await on(database, 'migrate', '--create-tables', '--migrations', folder)
      expect(exitCode).toBe(1)
      expect(stderr).toContain(
        `error: migrations/${NEXT_MIGRATION}_break-things.sql:2:1: column "nothing" of relation "ChatMessage" does not exist [42703]`,
      )
      expect(stderr).toContain('state: this migration was rolled back; done before it: 1_create-chat-tables')
      await writeFile(
        join(folder, `${NEXT_MIGRATION}_break-things.sql`),
        'SELECT 1;\nSELECT\n  "é", nowhere FROM "Client";\n',
      )
      const second = await on(database, 'migrate', '--create-tables', '--migrations', folder)
      expect(second.stderr).toContain(`migrations/${NEXT_MIGRATION}_break-things.sql:3:3: column "é" does not exist`)
      expect(second.stderr).toContain('   3 |   "é", nowhere FROM "Client";\n       |   ^')
    })
  })

  test('that changed after they were applied are refused by name', async ({ database }) => {
    await migrated(database)
    await withMigrationsFolder(async (folder) => {
      const file = join(folder, '5_add-idempotency-key.sql')
      await writeFile(file, `${await readFile(file, 'utf8')}\n`)
      const { exitCode, stderr } = await on(database, 'migrate', '--migrations', folder)
      expect(exitCode).toBe(5)
      expect(stderr).toContain('5_add-idempotency-key: differs only in white space or comments')
    })
  })

  test('that are unknown here, since a newer chatkeep applied them, are refused by name', async ({ database }) => {
    await migrated(database)
    await database.query(
      `INSERT INTO "chatkeep"."migrations" (id, name, hash) VALUES (${NEXT_MIGRATION}, 'from-the-future', 'x')`,
    )
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([
      5,
      expect.stringContaining(`${NEXT_MIGRATION}_from-the-future: applied, but there is no file for it`),
    ])
  })

  test.for([
    ['4_index-client-socket-id.sql', undefined, '5_add-idempotency-key.sql: numbers must run 1, 2, 3, … without gaps'],
    [`${NEXT_MIGRATION + 1}_too-far.sql`, 'SELECT 1', `${NEXT_MIGRATION + 1}_too-far.sql: numbers must run 1, 2, 3`],
    ['6_twice.sql', 'SELECT 1', 'numbers must run 1, 2, 3, … without gaps or duplicates'],
    ['13_Bad Name.sql', 'SELECT 1', '13_Bad Name.sql: expected a name such as 13_verb-object.sql'],
    ['13_crlf.sql', 'SELECT 1;\r\n', '13_crlf.sql: has CRLF line endings'],
    ['13_marked.sql', '\ufeffSELECT 1;\n', '13_marked.sql: starts with a byte order mark'],
  ] as const)('that cannot be used are named: %s', async ([name, content, reason], { database }) => {
    await withMigrationsFolder(async (folder) => {
      if (content === undefined) await rm(join(folder, name))
      else await writeFile(join(folder, name), content)
      const { exitCode, stderr } = await on(database, 'migrate', '--migrations', folder)
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(reason)])
      expect(await database.query(`SELECT to_regclass('chatkeep.migrations') AS history`)).toEqual([{ history: null }])
    })
  })

  test('in a folder that is not there are missed by its name', async ({ database }) => {
    const { exitCode, stderr } = await on(database, 'migrate', '--migrations', '/nowhere/at/all')
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('/nowhere/at/all')])
  })
})
