import { migrated, on } from '../../support/chat.js'
import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { catalogOf, historyOf } from '../../support/database-state.js'
import { cutRun } from '../../support/cut-run.js'
import { expectRefusedElsewhere, expectUnchanged, HAS_PSQL, SCRIPT_RUNNERS, shapeOf } from '../../support/run-script.js'
import { splitStatements } from '../../../src/migrations/ledger/split-statements.js'
import { toUsername } from '../../../src/persistence/prepare-message.js'
import { usernameSql } from '../../../src/persistence/sql-names.js'

const { runAtOnce, runStatements } = SCRIPT_RUNNERS

const WAYS = [
  ['statements', 'runStatements'],
  ['statements', 'runInPsql'],
  ['transaction', 'runAtOnce'],
] as const

/** Names that a guest's form can send, and what a program may have stored. */
const NAMES = [
  'maria',
  ' maria ',
  '\u00a0\u3000maria\ufeff\t',
  '\u0085maria',
  'Zoe\u0308',
  'Zo\u00eb',
  "o'hara",
  'a  b',
  ' client7\n',
  '',
  '   ',
  '\u3000\u2028',
  '\u1e9b\u0323',
  '\ufb01',
  '\u1100\u1161',
  '😀 ',
  'x'.repeat(255),
  'x'.repeat(256),
]

const INSERT = `INSERT INTO "ChatMessage"
  ("clientId", "guestUsername", "guestPhone", "idempotencyKey", "guestUnverified", "senderType", "messageType", "text", "createdAt")`

/** Over hand-migrated: guests with and without client, names of all kinds, keys, marks, a rule of the application, and checks that wait. */
const withGuests = async (database: TestDatabase): Promise<void> => {
  await migrated(database, 'hand-migrated')
  // Two databases that were loaded one after the other differ in these times.
  await database.load(
    `UPDATE "ChatMessage" SET "createdAt" = '2025-01-01' WHERE "guestUsername" IS NULL OR "clientId" IS NULL`,
  )
  for (const [n, name] of NAMES.entries())
    await database.query(`${INSERT} VALUES (NULL, $1, '+49 30 1', $2, $3, 'CLIENT', 'TEXT', 'hello', '2026-01-01')`, [
      name,
      `key-${n}`,
      n % 3 === 0,
    ])
  await database.load(`
    ${INSERT} SELECT "id", "username", NULL, NULL, true, 'CLIENT', 'TEXT', 'linked', '2026-01-02' FROM "Client" ORDER BY "id" LIMIT 4;
    ${INSERT} VALUES (NULL, 'banned', NULL, NULL, false, 'CLIENT', 'TEXT', 'refused', '2026-01-03');
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW."username" = 'banned' THEN RAISE EXCEPTION 'banned'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON "Client" FOR EACH ROW EXECUTE FUNCTION refuse();
    ALTER TABLE "ChatMessage" ALTER CONSTRAINT "ChatMessage_clientId_fkey" DEFERRABLE INITIALLY DEFERRED`)
}

// The ids and times of created clients depend on the order and the moment in which they are made.
const afterRollback = async (database: TestDatabase) => ({
  catalog: await catalogOf(database),
  history: await historyOf(database),
  messages: await database.query(
    `SELECT to_jsonb(m) - 'clientId' AS "row", c."username" FROM "ChatMessage" AS m JOIN "Client" AS c ON c."id" = m."clientId" ORDER BY m."id"`,
  ),
  clients: await database.query(
    `SELECT to_jsonb(c) - '{id,createdAt,updatedAt}'::text[] AS "row" FROM "Client" AS c ORDER BY c."username"`,
  ),
  archive: await database.query(
    `SELECT to_jsonb(a) - 'linkedClientId' AS "row", c."username" FROM "chatkeep"."archive" AS a
     LEFT JOIN "Client" AS c ON c."id" = a."linkedClientId" ORDER BY a."messageId"`,
  ),
  created: await database.query(
    `SELECT c."username", a."row"::text = to_json(c)::text AS "same" FROM "chatkeep"."archived_clients" AS a
     JOIN "Client" AS c ON c."id" = a."clientId" ORDER BY 1`,
  ),
  runs: await database.query(
    `SELECT "action", "migration", "version", "role", "detail" - '{run,by,pid,planHash,checksum}'::text[] AS "detail"
     FROM "chatkeep"."runs" WHERE "action" NOT IN ('migrate begun', 'migrate', 'record', 'apply') ORDER BY "action", "id"`,
  ),
})

const rowsOf = async (database: TestDatabase) => ({
  messages: await database.query('SELECT to_jsonb(m)::text AS "row" FROM "ChatMessage" AS m ORDER BY "id"'),
  clients: await database.query('SELECT to_jsonb(c)::text AS "row" FROM "Client" AS c ORDER BY "id"'),
  guests: await database.query('SELECT * FROM "chatkeep"."guest_clients" ORDER BY 1'),
  history: await historyOf(database),
})

const scriptOf = async (database: TestDatabase, form: string, ...more: readonly string[]): Promise<string> => {
  const before = await shapeOf(database)
  const { exitCode, stdout, stderr } = await on(database, 'rollback', '--sql', form, ...more)
  expect(exitCode, stderr).toBe(0)
  expect(await shapeOf(database)).toEqual(before)
  return stdout
}

describe('rollback --sql', () => {
  test.for(WAYS)(
    'leaves what rollback leaves, and migrate restores it: %s, %s',
    async ([form, runner], { database, skip }) => {
      if (runner === 'runInPsql' && !HAS_PSQL) skip('psql is missing')
      await withDatabase(async (byChatkeep) => {
        await withGuests(byChatkeep)
        const { exitCode, stderr } = await on(byChatkeep, 'rollback', '--confirm', byChatkeep.name)
        expect(exitCode, stderr).toBe(0)
        const expected = await afterRollback(byChatkeep)
        await withGuests(database)
        const before = await rowsOf(database)
        await SCRIPT_RUNNERS[runner](database, await scriptOf(database, form))
        expect(await afterRollback(database)).toEqual(expected)
        expect((await on(database, 'verify', '--expect', 'rolled-back')).stdout).not.toMatch(/^error/m)
        expect((await on(database, 'migrate', '--history')).stdout).toMatch(/rollback: 12 undone, archived[^]* done/)
        for (const each of [database, byChatkeep]) expect((await on(each, 'migrate')).exitCode).toBe(0)
        expect(await rowsOf(database)).toEqual(before)
        expect(await catalogOf(database)).toEqual(await catalogOf(byChatkeep))
      })
    },
  )

  test.for(WAYS)('stops at a migration: %s, %s', async ([form, runner], { skip }) => {
    if (runner === 'runInPsql' && !HAS_PSQL) skip('psql is missing')
    for (const to of ['5', '7', '10']) {
      await withDatabase(async (byChatkeep) => {
        await withGuests(byChatkeep)
        expect((await on(byChatkeep, 'rollback', '--to', to, '--confirm', byChatkeep.name)).exitCode).toBe(0)
        await withDatabase(async (other) => {
          await withGuests(other)
          const before = await rowsOf(other)
          await SCRIPT_RUNNERS[runner](other, await scriptOf(other, form, '--to', to))
          expect(await catalogOf(other), to).toEqual(await catalogOf(byChatkeep))
          expect(await historyOf(other), to).toEqual(await historyOf(byChatkeep))
          expect((await on(other, 'migrate')).exitCode).toBe(0)
          expect(await rowsOf(other), to).toEqual(before)
        })
      })
    }
  })

  test('normalises names as the core does', async ({ database }) => {
    const rows = await database.query<{ name: string }>(
      `SELECT ${usernameSql('n')} AS "name" FROM unnest($1::text[]) WITH ORDINALITY AS t (n, place) ORDER BY place`,
      [NAMES],
    )
    expect(rows.map(({ name }) => name)).toEqual(NAMES.map(toUsername))
  })

  test.for(['statements', 'transaction'] as const)(
    'changes nothing where it does not belong: %s',
    async (form, { database }) => {
      await migrated(database, 'hand-migrated')
      const sql = await scriptOf(database, form)
      await expectRefusedElsewhere(sql, (other) => migrated(other, 'hand-migrated'))
      if (form === 'statements')
        await expect(runAtOnce(database, sql)).rejects.toThrow(
          'must not run in a transaction, nor be sent as one query; use chatkeep rollback --sql transaction',
        )
      await database.load('CREATE TABLE "more" ("messageId" integer REFERENCES "ChatMessage" ("id") ON DELETE CASCADE)')
      await expectUnchanged(database, sql, 'has changed since the script was made')
      await database.load('DROP TABLE "more"')
      await (form === 'statements' ? runStatements : runAtOnce)(database, sql)
      await expectUnchanged(database, sql, 'the script was run already')
      expect(await scriptOf(database, form)).toMatch(
        /^-- chatkeep rollback --sql \w+\n-- For database .*\n-- Nothing to run: there is nothing to roll back\.\n$/,
      )
    },
  )

  test.for([
    ['statements', 'abort', 'have neither a client nor a usable guest name'],
    ['transaction', 'abort', 'have neither a client nor a usable guest name'],
    ['statements', 'archive', 'would leave the table, but rows of other tables reference them'],
    ['transaction', 'archive', 'would leave the table, but rows of other tables reference them'],
  ] as const)(
    'stops before it moves a message that must stay: %s, %s',
    async ([form, onOrphans, why], { database }) => {
      await migrated(database, 'crm-before')
      await database.load('CREATE TABLE "note" ("messageId" integer REFERENCES "ChatMessage" ("id") ON DELETE CASCADE)')
      const sql = await scriptOf(database, form, '--on-orphans', onOrphans)
      await database.load(`${INSERT} VALUES (NULL, NULL, NULL, NULL, false, 'CLIENT', 'TEXT', 'nobody', '2026-01-01');
      INSERT INTO "note" SELECT max("id") FROM "ChatMessage"`)
      const before = await rowsOf(database)
      await expect((form === 'statements' ? runStatements : runAtOnce)(database, sql)).rejects.toThrow(
        `no message was changed: 1 messages ${why}`,
      )
      expect((await rowsOf(database)).messages).toEqual(before.messages)
      expect(await database.query('SELECT FROM "note"')).toHaveLength(1)
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      expect(await rowsOf(database)).toEqual(before)
    },
  )

  test('moves nothing after a statement that failed, in a client that goes on', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const before = await rowsOf(database)
    const client = await database.client()
    const errors: string[] = []
    for (const { sql } of await splitStatements(await scriptOf(database, 'statements'))) {
      const broken = sql.includes('"ChatMessage_unread_idx"') && sql.startsWith('DROP') ? 'SELECT 1/0' : sql
      await client.query(broken).catch((error: unknown) => errors.push(String(error)))
    }
    expect(errors[1]).toContain('no message was changed: a statement before this one failed')
    expect((await rowsOf(database)).messages).toEqual(before.messages)
    expect((await historyOf(database)).at(-1)).toMatchObject({ id: 8 })
    expect((await on(database, 'migrate', '--history')).stdout).toContain('running')
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await rowsOf(database)).toEqual(before)
  })

  test.for(['statements', 'transaction'] as const)(
    'loses no message that is written meanwhile: %s',
    async (form, { database }) => {
      await migrated(database, 'hand-migrated')
      const sql = await splitStatements(await scriptOf(database, form))
      const late = `SET statement_timeout = '20ms'; ${INSERT} VALUES (NULL, 'late', NULL, NULL, false, 'CLIENT', 'TEXT', 'late', '2026-01-01')`
      const [client, writer] = [await database.client(), await database.client()]
      let written = 0
      for (const { sql: statement } of sql) {
        await client.query(statement)
        // Waits for the lock, or finds no such column; before the lock it is written, and must be in the archive.
        await writer.query(late).then(
          () => (written += 1),
          () => undefined,
        )
      }
      expect(written).toBeGreaterThan(2)
      const archived = await database.query(`SELECT FROM "chatkeep"."archive" WHERE "guestUsername" = 'late'`)
      expect(archived).toHaveLength(written)
    },
  )

  test('finishes what an interrupted rollback left', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const before = await rowsOf(database)
    const { statement } = await cutRun(database, ['rollback', '--confirm', database.name], 'cut before', (each) =>
      each.includes('VALIDATE CONSTRAINT'),
    )
    expect(statement).toBeDefined()
    await runAtOnce(database, await scriptOf(database, 'transaction'))
    expect((await on(database, 'verify', '--expect', 'rolled-back')).stdout).not.toMatch(/^error/m)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await rowsOf(database)).toEqual(before)
  })

  test.for(['statements', 'transaction'] as const)(
    'seals an archive that was left open: %s',
    async (form, { database }) => {
      await migrated(database, 'hand-migrated')
      expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
      const seal = `SELECT "detail" - '{run,by,planHash}'::text[] AS "detail" FROM "chatkeep"."runs" WHERE "action" = 'archive'`
      const expected = await database.query(seal)
      await database.load(`DELETE FROM "chatkeep"."runs" WHERE "action" IN ('archive', 'rollback')`)
      await (form === 'statements' ? runStatements : runAtOnce)(database, await scriptOf(database, form))
      expect(await database.query(seal)).toEqual(expected)
      expect(await scriptOf(database, form)).toContain('Nothing to run')
    },
  )

  test('says in its head what it costs, and is one document with --json', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const sql = await scriptOf(database, 'transaction')
    expect(sql).toContain('-- WARNING: nobody else reads or writes "ChatMessage" and "Client" until the COMMIT')
    expect(sql).toMatch(/^-- +3 \| |message without client and guest moves to the archive whole/m)
    expect(sql.replace(/^--.*$/gm, '')).not.toContain('CONCURRENTLY')
    const { stdout } = await on(database, 'rollback', '--sql', '--json')
    const document = JSON.parse(stdout) as { planHash: string }
    expect(document).toMatchObject({
      ok: true,
      form: 'statements',
      sql: expect.stringContaining('LOCK TABLE') as string,
      price: { messagesToRemove: 3 },
    })
    expect(sql).toContain(`plan hash ${document.planHash}.`)
  })

  test('needs a database in UTF8, whose server composes names', async ({ database }) => {
    const name = `${database.name}_latin1`
    await database.query(`CREATE DATABASE "${name}" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
    try {
      const latin = { ...database, name, url: database.url.replace(database.name, name) }
      expect((await on(latin, 'migrate', '--create-tables')).exitCode).toBe(0)
      const { exitCode, stderr } = await on(latin, 'rollback', '--sql')
      expect(exitCode).toBe(5)
      expect(stderr).toContain('a script cannot link guests to clients in a database whose encoding is LATIN1')
      expect((await on(latin, 'rollback', '--sql', '--to', '5')).exitCode).toBe(0)
      expect((await on(latin, 'rollback', '--confirm', name)).exitCode).toBe(0)
    } finally {
      await database.query(`DROP DATABASE "${name}" WITH (FORCE)`)
    }
  })

  test('is refused as the run is', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const aborted = await on(database, 'rollback', '--sql', '--on-orphans', 'abort')
    expect(aborted.exitCode).toBe(5)
    expect(aborted.stdout).toBe('')
    expect((await on(database, 'rollback', '--sql', '--plan-hash', '0123456789abcdef')).exitCode).toBe(5)
    expect((await on(database, 'rollback', '--sql', 'both')).exitCode).toBe(2)
  })
})
