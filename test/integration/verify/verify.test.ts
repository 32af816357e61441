import { migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { findingsOf, parseReport as parse, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { OperatorError } from '../../../src/errors.js'
import { checks } from '../../../src/verify/checks/index.js'
import { readFacts } from '../../../src/verify/facts/facts.js'
import { ownerlessMessages } from '../../../src/verify/checks/rows/ownerless-messages.js'
import { unlinkedMessages } from '../../../src/verify/checks/rows/unlinked-messages.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { countTransactions } from '../../support/transaction-counter.js'
import { untilRows } from '../../support/until.js'
import { CREATE_ARCHIVE } from '../../support/own-tables.js'
import { rolledBack } from '../../support/rolled-back.js'

const CHECKS = checks
  .filter(({ name, expectations }) => expectations.includes('migrated') && name !== 'application-role')
  .map(({ name }) => name)
const INSERT_MESSAGE = `INSERT INTO "ChatMessage" ("senderType", "messageType", "clientId", "guestUsername", "text")`

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
    expect((await on(database, 'migrate', '--create-tables', '--schema', 'live chat')).exitCode).toBe(0)
    expect(findingsOf(await verify(database, '--schema', 'live chat'))).toEqual([])
    const [finding] = findingsOf(await verify(database))
    expect(finding).toMatchObject({ code: 'chat_tables_missing' })
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
      {
        code: 'chat_tables_missing',
        help: 'name the right database, or the schema of the tables with --schema; or create them: chatkeep migrate --create-tables',
      },
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

 column_name   | data_type | is_nullable | expected    | result
---------------+-----------+-------------+-------------+--------
 clientId      | integer   | YES         | integer YES | ok
 guestUsername | text      | YES         | text YES    | ok
 guestPhone    | text      | YES         | text YES    | ok

warning unlinked_messages: messages that are not linked to the client of their name or id
  expected  0
  actual    5
  rows      id 6036, 6037, 6038, 6039, 6040
  next      chatkeep reconcile

warning ownerless_messages: messages with neither client nor guest name
  expected  0
  actual    3
  rows      id 6041, 6042, 6043
  next      see them, and give each a client or a guest name, in psql: SELECT * FROM "public"."ChatMessage" WHERE "clientId" IS NULL AND "guestUsername" IS NULL;
  or        show them as chats of unknown guests, in psql: UPDATE "public"."ChatMessage" SET "guestUsername" = 'unknown guest ' || coalesce("sessionId", "id"::text) WHERE "clientId" IS NULL AND "guestUsername" IS NULL;

More on a finding: chatkeep explain <code>

an acknowledged message survives a crash of PostgreSQL, not of its machine: fsync is off
ok: <database> is migrated: ${CHECKS.length} checks, 0 errors, <figures>. Next: chatkeep reconcile
`)
  })

  test('fails on warnings only when asked to', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    expect((await on(database, 'verify')).exitCode).toBe(0)
    const strict = await on(database, 'verify', '--fail-on', 'warning')
    expect(strict.exitCode).toBe(1)
    expect(strict.stdout).toMatch(
      /\nFAIL: \w+ is migrated, but a finding fails this check \(--fail-on warning\): 0 errors, \d warnings \(.*\)\. Next: chatkeep reconcile\n$/,
    )
  })

  test('says what it checked beside the database, also when all is well', async ({ database }) => {
    await migrated(database)
    const [{ role } = { role: '' }] = await database.query<{ role: string }>('SELECT current_user AS role')
    const both = await on(database, 'verify', '--probe', '--application-role', role)
    expect([both.exitCode, both.stdout]).toEqual([
      0,
      expect.stringContaining(
        `\nalso checked: the privileges of "${role}", a guest's messages, by the probe as "${role}"\nok: `,
      ),
    ])
    expect((await on(database, 'verify')).stdout).not.toContain('also checked')
    await database.load(`CREATE FUNCTION "swallow"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
      CREATE TRIGGER "swallow" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION "swallow"()`)
    expect((await on(database, 'verify', '--probe')).stdout).toMatch(
      /\nalso checked: a guest's messages, by the probe\nFAIL: \w+ is migrated, but the probe failed: \d error/,
    )
  })

  test('does not say that it probed a database without tables', async ({ database }) => {
    expect((await on(database, 'verify', '--probe')).stdout).not.toContain('also checked')
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

  test('does everything in one transaction, so it works through a transaction pooler', async ({ database }) => {
    await migrated(database)
    const [transactions] = await countTransactions(database.url, async (url) => {
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
      const facts = await readFacts(
        client,
        {
          expectation: 'migrated',
          database: database.name,
          schema: 'public',
          files: [],
        },
        (read) => read(),
      )
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${check.query(facts) ?? ''}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/"ChatMessage_(clientId_createdAt|unlinked|unlinked_hour)_idx"/)
      expect(plan).not.toContain('Seq Scan on "ChatMessage"')
    },
  )

  test.for([
    ['a table that stays locked', [], /^unknown: chatkeep\.archive is locked by pid \d+ /],
    [
      'a query that takes too long',
      ['--statement-timeout', '700ms'],
      /^unknown: the server cancelled the query after 0\.\d s$/,
    ],
  ] as const)('reports %s as not checked, and goes on', async ([, flags, reason], { database }) => {
    await migrated(database)
    await database.load(`
      ${CREATE_ARCHIVE};
      ${INSERT_MESSAGE} VALUES ('CLIENT', 'TEXT', NULL, NULL, 'x')`)
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE chatkeep.archive IN ACCESS EXCLUSIVE MODE')
    const run = await verify(database, ...flags)
    expect(findingsOf(run)).toMatchObject([
      { code: 'archive_waiting', actual: 'present' },
      { code: 'ownerless_messages', actual: '1' },
      { code: 'not_checked_in_time', severity: 'note', actual: expect.stringMatching(reason) as string },
    ])
  })

  test('is ended by Ctrl-C in the middle of a query', async ({ database }) => {
    await migrated(database)
    await database.load(CREATE_ARCHIVE)
    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE chatkeep.archive IN ACCESS EXCLUSIVE MODE')
    const interruption = new AbortController()
    const run = runChatkeep(['verify', '--database-url', database.url], { signal: interruption.signal })
    const waiting = `SELECT FROM pg_stat_activity WHERE application_name = 'chatkeep verify' AND wait_event_type = 'Lock' AND datname = current_database()`
    await untilRows(database, waiting, { what: 'verify waits for the table' })
    interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: 130 }))
    expect(await run).toMatchObject({
      exitCode: 130,
      stdout: '',
      stderr: expect.stringMatching(/(^|\n)error: ended by SIGINT\n$/) as string,
    })
  })

  test('refuses a role to which row-level security shows only a part of the rows', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`
        GRANT USAGE ON SCHEMA chatkeep TO ${name};
        GRANT SELECT ON ALL TABLES IN SCHEMA public, chatkeep TO ${name};
        ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY nothing ON "ChatMessage" TO ${name} USING (false)`)
      const { exitCode, stderr } = await runChatkeep(['verify', '--database-url', url])
      expect(exitCode).toBe(3)
      expect(stderr).toContain('row-level security may hide rows of "ChatMessage"')
    })
  })

  test('says who may count an archive that it may not read', async ({ database }) => {
    await rolledBack(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(
        `GRANT USAGE ON SCHEMA chatkeep TO ${name}; GRANT SELECT ON "ChatMessage", "Client", chatkeep.migrations TO ${name}`,
      )
      const run = await runChatkeep(['verify', '--json', '--expect', 'rolled-back', '--database-url', url])
      expect(findingsOf(run)).toMatchObject([
        { code: 'archive_waiting', actual: 'present; only its owner may count its rows' },
      ])
    })
  })
})
