import { ownSchema } from '../../../src/persistence/own-names.js'
import { splitStatements } from '../../../src/migrations/ledger/split-statements.js'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { loadFixture, type FixtureName } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { MIGRATION_COUNT } from '../../support/migration-list.js'
import { expectRefusedElsewhere, expectUnchanged, HAS_PSQL, SCRIPT_RUNNERS } from '../../support/run-script.js'
import { casesOf } from '../../support/thorough.js'

const { runAtOnce, runStatements } = SCRIPT_RUNNERS

/** All that a catalog knows of the schema, and the history. */
const everything = async (database: TestDatabase, schema = 'public'): Promise<unknown> => ({
  columns: await database.query(
    `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS value,
       col_description(c.oid, a.attnum) AS comment, c.relacl::text, obj_description(c.oid, 'pg_class') AS about
     FROM pg_class AS c
     JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = $1::regnamespace ORDER BY c.relname, a.attname`,
    [`"${schema}"`],
  ),
  indexes: await database.query(
    `SELECT pg_get_indexdef(x.indexrelid), x.indisvalid, x.indisready FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indrelid
     WHERE c.relnamespace = $1::regnamespace ORDER BY 1`,
    [`"${schema}"`],
  ),
  constraints: await database.query(
    `SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
     WHERE connamespace = $1::regnamespace ORDER BY 1, 2`,
    [`"${schema}"`],
  ),
  triggers: await database.query(
    `SELECT pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
     WHERE c.relnamespace = $1::regnamespace AND NOT tgisinternal ORDER BY 1`,
    [`"${schema}"`],
  ),
  functions: await database.query(
    `SELECT pg_get_functiondef(oid), proacl::text FROM pg_proc WHERE pronamespace = $1::regnamespace ORDER BY 1`,
    [`"${schema}"`],
  ),
  own: await database.query(
    `SELECT c.relname, c.relacl::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
     FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = $1::regnamespace ORDER BY 1, a.attnum`,
    [`"${ownSchema(schema)}"`],
  ),
  history: await database.query(`SELECT id, name, hash FROM "${ownSchema(schema)}"."migrations" ORDER BY id`),
  runs: await database.query(
    `SELECT action, migration, version, role FROM "${ownSchema(schema)}"."runs" WHERE "migration" IS NOT NULL ORDER BY id`,
  ),
})

const scriptOf = async (database: TestDatabase, form: string, ...more: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await on(database, 'migrate', '--create-tables', '--sql', form, ...more)
  expect(exitCode, stderr).toBe(0)
  return stdout
}

const WAYS = [
  ['statements', 'runStatements'],
  ['statements', 'runInPsql'],
  ['transaction', 'runAtOnce'],
] as const

const STARTS = casesOf<FixtureName | undefined>(['crm-before'], [undefined, 'half-migrated'])

describe('migrate --sql', () => {
  test.for(STARTS)('ends where migrate does, in psql or another client: from %s', async (fixture) => {
    await withDatabase(async (byChatkeep) => {
      await migrated(byChatkeep, fixture)
      const expected = await everything(byChatkeep)
      for (const [form, runner] of WAYS) {
        if (runner === 'runInPsql' && !HAS_PSQL) continue
        await withDatabase(async (database) => {
          if (fixture !== undefined) await loadFixture(database, fixture)
          await SCRIPT_RUNNERS[runner](database, await scriptOf(database, form))
          expect(await everything(database), `${form}, ${runner}`).toEqual(expected)
          expect((await on(database, 'verify')).stdout).not.toMatch(/^error/m)
          expect((await on(database, 'migrate', '--create-tables')).stdout).toContain(
            `nothing had to be done, ${MIGRATION_COUNT} already there`,
          )
        })
      }
    })
  })

  test.for(['statements', 'transaction'])(
    'repairs and clears up, in a schema of its own: %s',
    async (form, { database }) => {
      await database.load('CREATE SCHEMA "the chat"')
      expect((await on(database, 'migrate', '--create-tables', '--schema', 'the chat')).exitCode).toBe(0)
      const healthy = (await everything(database, 'the chat')) as Record<string, unknown>
      await database.load(`SET search_path TO "the chat";
      DROP INDEX "ChatMessage_unread_idx"; DROP INDEX "ChatMessage_hour_clientId_idx";
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"ChatMessage_unlinked_idx"'::regclass;
      ALTER TABLE "ChatMessage" ADD CONSTRAINT "chatkeep_clientId_not_null" CHECK ("clientId" IS NOT NULL) NOT VALID; RESET search_path`)
      const sql = await scriptOf(database, form, '--schema', 'the chat')
      await (form === 'statements' ? runStatements : runAtOnce)(database, sql)
      const { runs, ...found } = (await everything(database, 'the chat')) as Record<string, unknown>
      expect(found).toEqual({ ...healthy, runs: undefined })
      expect(
        (runs as { action: string; migration: string }[])
          .slice(MIGRATION_COUNT)
          .map(({ action, migration }) => `${action} ${migration}`),
      ).toEqual(['repair 8_index-unread', 'repair 9_index-unlinked', 'repair 11_index-hour'])
    },
  )

  test('records nothing that failed, nor anything after it, also where errors do not end it', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const client = await database.client()
    const [mark, check, ...rest] = await splitStatements(await scriptOf(database, 'statements'))
    await client.query(mark?.sql ?? '')
    await client.query(check?.sql ?? '')
    await database.load(`CREATE INDEX "ChatMessage_clientSocketId_createdAt_idx" ON "ChatMessage" ("clientSocketId", "createdAt" DESC);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"ChatMessage_clientSocketId_createdAt_idx"'::regclass`)
    for (const statement of rest) await client.query(statement.sql).catch(() => undefined)
    expect(await database.query('SELECT max(id) AS last FROM "chatkeep"."migrations"')).toEqual([{ last: 3 }])
    expect(
      await database.query('SELECT max(id)::integer AS last, count(*)::integer AS runs FROM "chatkeep"."runs"'),
    ).toEqual([{ last: 4, runs: 4 }])
  })

  test('changes nothing when printed, and says when nothing is pending or an archive waits', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const done = await scriptOf(database, 'statements')
    expect(done).toMatch(
      /^-- chatkeep migrate --sql statements\n-- For database "\w+".*plan hash \w{16}\.\n-- Nothing to run: no migration is pending\.\n$/,
    )
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    const pending = await scriptOf(database, 'statements')
    expect(pending).toContain('-- An earlier rollback archived 43 messages; the next chatkeep migrate restores them.')
    await runStatements(database, pending)
    // The application saves again from here on: what it sends once more must meet its key.
    const lost = 'SELECT FROM "ChatMessage" AS m JOIN "chatkeep"."archive" AS a ON a."messageId" = m."id"'
    expect(await database.query(`${lost} WHERE m."idempotencyKey" IS DISTINCT FROM a."idempotencyKey"`)).toEqual([])
    const { stdout } = await on(database, 'migrate', '--create-tables')
    expect(stdout).toContain(
      'restored from the archive: guest data of 40 messages; 3 messages put back that the rollback had moved out',
    )
    expect(stdout).toContain(
      ` is migrated: 0 migrations done, ${MIGRATION_COUNT} already there, 43 messages restored (`,
    )
  })

  test('says in its head what one transaction costs others', async ({ database }) => {
    expect(await scriptOf(database, 'transaction')).toContain('-- The tables are new, so no other session is blocked.')
    await loadFixture(database, 'crm-before')
    const sql = await scriptOf(database, 'transaction')
    expect(sql).toContain('-- WARNING: without CONCURRENTLY, index builds block writers. With its other statements')
    expect(sql).toContain('the script blocks readers and writers')
    expect(sql.replace(/^--.*$/gm, '')).not.toContain('CONCURRENTLY')
    expect(sql).not.toContain('\n\\')
  })

  test('is run for a privilege to revoke alone', async ({ database }) => {
    await migrated(database)
    await database.load('GRANT UPDATE ON chatkeep.guest_clients TO PUBLIC')
    const sql = await scriptOf(database, 'statements')
    expect(sql).not.toContain('Nothing to run')
    await runStatements(database, sql)
    expect(await scriptOf(database, 'statements')).toContain('Nothing to run')
  })

  test.for(WAYS)('takes a name with its own quotes for a name: %s, %s', async ([form, runner], { database }) => {
    if (runner === 'runInPsql' && !HAS_PSQL) return
    await database.load('CREATE SCHEMA "$check$; SELECT 1/0; --"')
    const schema = ['--schema', '$check$; SELECT 1/0; --']
    await SCRIPT_RUNNERS[runner](database, await scriptOf(database, form, ...schema))
    expect((await on(database, 'verify', ...schema)).exitCode).toBe(0)
  })

  test('stops while another migration runs', async ({ database }) => {
    const holder = await database.client()
    await holder.query('SELECT pg_advisory_lock(-8525285245963000605)')
    await expect(runAtOnce(database, await scriptOf(database, 'transaction'))).rejects.toThrow(
      'nothing was changed: another migration is running',
    )
    await expect(runStatements(database, await scriptOf(database, 'statements'))).rejects.toThrow(
      'nothing was changed: another migration is running',
    )
    expect(await database.query(`SELECT to_regclass('chatkeep.migrations') AS history`)).toEqual([{ history: null }])
  })

  test.for(['statements', 'transaction'] as const)(
    'changes nothing where it does not belong: %s',
    async (form, { database }) => {
      await loadFixture(database, 'crm-before')
      const sql = await scriptOf(database, form)
      const run = form === 'statements' ? runStatements : runAtOnce
      await expectRefusedElsewhere(sql, (other) => loadFixture(other, 'crm-before'))
      if (form === 'statements') await expect(runAtOnce(database, sql)).rejects.toThrow('must not run in a transaction')
      if (form === 'statements')
        await expectUnchanged(database, `BEGIN; SELECT 1; ${sql}`, 'must not run in a transaction')
      const sameName = sql.replace(/<> \d+ (?=THEN 'this is another database)/, '<> 1 ')
      await expectUnchanged(database, sameName, 'this is another database of that name')
      const elsewhere = sql.replace(/(pg_control_system\(\)\s*\) <> ')\d+/, '$1' + '1')
      await expectUnchanged(database, elsewhere, 'this is another server')
      await withLimitedRole(database, async ({ url }) => {
        await expectUnchanged(
          { ...database, client: () => database.client({ connectionString: url }) },
          sql,
          'it must run as postgres',
        )
      })
      await database.load('ALTER TABLE "Client" ADD COLUMN "more" integer')
      await expectUnchanged(database, sql, 'has changed since the script was made')
      await database.load('ALTER TABLE "Client" DROP COLUMN "more"')
      await run(database, sql)
      await expectUnchanged(database, sql, 'the script was run already')
    },
  )

  test('is one document with --json, and another form is asked wrongly', async ({ database }) => {
    const { stdout } = await on(database, 'migrate', '--create-tables', '--sql', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      form: 'statements',
      sql: expect.stringContaining('CREATE TABLE') as string,
    })
    expect((await on(database, 'migrate', '--sql', 'both')).exitCode).toBe(2)
  })
})
