import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { withMigrationsFolder } from '../../support/migrations-folder.js'
import { untilRows } from '../../support/until.js'
import { MIGRATION_COUNT, MIGRATION_TITLES, NEXT_MIGRATION } from '../../support/migration-list.js'
import { BASE_MIGRATION } from '../../../src/migrations/ledger/migration-names.js'

const LAST_NAME = MIGRATION_TITLES.at(-1)?.replace(/^\d+_/, '') ?? ''

interface Statement {
  readonly sql: string
  readonly locks: readonly { readonly table: string; readonly mode: string }[]
  readonly blocks: string
  readonly inTransaction: boolean
  readonly waitsForOldTransactions: boolean
  readonly rows: number | null
  readonly bytes: number | null
  readonly estimate: { readonly ms: number | null; readonly basis: string }
  readonly reversible: boolean
}

interface Plan {
  readonly planHash: string
  readonly steps: readonly { readonly name: string; readonly statements: readonly Statement[] }[]
  readonly phases: readonly { readonly title: string; readonly statements: readonly Statement[] }[]
  readonly obstacles: readonly { readonly code: string; readonly effect: string; readonly text: string }[]
}

const planOf = async (database: TestDatabase, command = 'migrate', ...more: readonly string[]): Promise<Plan> => {
  const { exitCode, stdout } = await on(database, command, '--dry-run', '--json', ...more)
  expect(exitCode, stdout).toBe(stdout.includes('"effect": "refused"') ? 5 : 0)
  return JSON.parse(stdout) as Plan
}

const obstaclesOf = async (database: TestDatabase, command = 'migrate'): Promise<readonly string[]> =>
  (await planOf(database, command)).obstacles.map(({ effect, code, text }) => `${effect} ${code}: ${text}`)

describe('the plan of migrate', () => {
  test('shows each statement with its lock, what that blocks and how long, within 80 columns', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.query('ANALYZE')
    const { stdout } = await on(database, 'migrate', '--dry-run')
    expect(stdout).toMatch(
      /\nmigration 8: create index ChatMessage_unread_idx, concurrently\n {2}lock {2}SHARE UPDATE EXCLUSIVE on ChatMessage \([\d.]+ MB\), blocks schema changes\n {2}time {2}milliseconds\n/,
    )
    expect(stdout).toContain('\n1_create-chat-tables: record only (already in the database)\n  lock  none\n')
    expect(stdout).toMatch(/\ntables: "ChatMessage" ~6,000 rows, [\d.]+ MB\n {8}"Client" ~60 rows, /)
    const [, hash] = /\nplan hash: (\w{16})\n/.exec(stdout) ?? []
    expect(stdout).toContain(`${MIGRATION_COUNT + 1} steps to do. Next: chatkeep migrate --plan-hash ${hash ?? ''}\n`)
    const wide = stdout
      .split('\n')
      .slice(1)
      .filter((line) => line.length > 80)
    // Sentences, which stay lines for grep outside a terminal.
    expect(wide).toEqual([
      expect.stringContaining('  each INSERT maintains up to 12 indexes instead of 4; the whole update'),
      expect.stringContaining('Next: chatkeep migrate'),
    ])
  })

  test('is complete as JSON', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.query('ANALYZE')
    const { steps } = await planOf(database)
    expect(steps.map(({ statements }) => statements.length)).toEqual([0, 3, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1])
    expect(steps[2]?.statements).toEqual([
      {
        sql: 'CREATE INDEX CONCURRENTLY "ChatMessage_guestUsername_createdAt_idx" ON "ChatMessage" ("guestUsername", "createdAt" DESC)',
        description: 'create index ChatMessage_guestUsername_createdAt_idx, concurrently',
        locks: [{ table: 'ChatMessage', mode: 'SHARE UPDATE EXCLUSIVE' }],
        blocks: 'other schema changes',
        inTransaction: false,
        waitsForOldTransactions: true,
        table: 'ChatMessage',
        rows: 6000,
        bytes: expect.any(Number) as number,
        indexBytes: 192_000,
        estimate: {
          ms: expect.any(Number) as number,
          basis: expect.stringContaining('at 74 MB/s, measured in memory') as string,
        },
        reversible: true,
      },
    ])
  })

  test('says how long it took here before, where that was longer', async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load(`DROP INDEX "ChatMessage_unread_idx";
      UPDATE "chatkeep"."runs" SET "durationMs" = 75000, "at" = '2026-01-02Z' WHERE "migration" = '8_index-unread'`)
    const { steps } = await planOf(database)
    expect(steps[0]?.statements[0]?.estimate).toEqual({
      ms: 75_000,
      basis: 'measured when it last ran here, on 2026-01-02',
    })
    expect((await on(database, 'migrate', '--dry-run')).stdout).toContain('~1 min 15 s')
  })

  test('assumes the strongest lock for statements that it does not know, and refuses text that is not SQL', async ({
    database,
  }) => {
    await withMigrationsFolder(async (folder) => {
      await writeFile(
        join(folder, `${NEXT_MIGRATION}_do-anything.sql`),
        `DO $$ BEGIN EXECUTE 'DROP TABLE x'; END $$;\n`,
      )
      const { stdout } = await on(database, 'migrate', '--dry-run', '--migrations', folder)
      expect(stdout).toContain(
        `\nmigration ${NEXT_MIGRATION}: DO $$ BEGIN EXECUTE 'DROP TABLE x'; END $$\n  lock  unknown: assume that it blocks readers and writers\n  time  unknown\n`,
      )
      const { steps } = await planOf(database, 'migrate', '--migrations', folder)
      expect(steps.at(-1)?.statements[0]).toMatchObject({ blocks: 'unknown: assume readers and writers', locks: [] })
      await writeFile(join(folder, `${NEXT_MIGRATION}_do-anything.sql`), 'DROP TABEL x;\n')
      const broken = await on(database, 'migrate', '--dry-run', '--migrations', folder)
      expect([broken.exitCode, broken.stderr]).toEqual([
        2,
        expect.stringContaining(
          `migrations/${NEXT_MIGRATION}_do-anything.sql:1:6 is not valid SQL: syntax error at or near`,
        ),
      ])
    })
  })

  test('names what is in the way: a transaction on the table', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const reader = await database.client({ application_name: 'long reader' })
    await reader.query('BEGIN; SELECT count(*) FROM "ChatMessage"')
    const age = `SELECT FROM pg_stat_activity WHERE application_name = 'long reader' AND xact_start < clock_timestamp() - interval '1 second' AND datname = current_database()`
    await untilRows(database, age, { what: 'a transaction that is a second old' })
    expect(await obstaclesOf(database)).toEqual([
      expect.stringMatching(
        /^waits old_transaction: the session with pid \d+ \(long reader, as \w+, idle in transaction, in a transaction for \d+ s\) uses "ChatMessage": ALTER and CONCURRENTLY wait until it ends$/,
      ),
    ])
  })

  test('says of a session of another role what little it may see, and that this role cannot run it', async ({
    database,
  }) => {
    await loadFixture(database, 'crm-before')
    const reader = await database.client({ application_name: 'long reader' })
    await reader.query('BEGIN; SELECT count(*) FROM "ChatMessage"')
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`)
      const { exitCode, stdout } = await runChatkeep(['migrate', '--dry-run', '--database-url', url])
      expect(exitCode, stdout).toBe(3)
      expect(stdout).toMatch(
        /\ndelayed {2}the session with pid \d+ \(long reader, as \w+, other role, state and age hidden\) uses "ChatMessage"/,
      )
      expect(stdout).toMatch(/\nrefused {2}"ChatMessage" is owned by \w+\n/)
      expect(stdout).toContain('\nrefused  this role has no CREATE privilege on schema "public"\n')
    })
  })

  test('refuses partitioned clients, in the plan and before anything is done', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(`ALTER TABLE "Client" RENAME TO "old";
      CREATE TABLE "Client" (LIKE "old" INCLUDING DEFAULTS) PARTITION BY RANGE ("id")`)
    expect(await obstaclesOf(database)).toContain(
      'refused partitioned_table: "Client" is partitioned, which chatkeep supports only for "ChatMessage"',
    )
    for (const command of ['migrate', 'migrate --sql statements', 'migrate --sql transaction']) {
      const { exitCode, stdout, stderr } = await on(database, ...command.split(' '))
      expect([command, exitCode, stdout, stderr]).toEqual([
        command,
        5,
        '',
        expect.stringContaining('"Client" is partitioned'),
      ])
    }
    expect(await database.query(`SELECT to_regclass('chatkeep.migrations') AS history`)).toEqual([{ history: null }])
  })

  test('reports an inactive replication slot', async ({ database }) => {
    const slot = database.name
    await database.query('SELECT pg_create_physical_replication_slot($1, true)', [slot])
    try {
      for (let segment = 0; segment < 6; segment += 1) {
        await database.load(`CREATE TABLE "filler_${segment}" (x integer)`)
        await database.query('SELECT pg_switch_wal()')
      }
      expect(await obstaclesOf(database)).toContainEqual(
        expect.stringMatching(
          new RegExp(`^note replication_slot_lags: replication slot "${slot}" \\(inactive\\) is \\d+ MB behind`),
        ),
      )
    } finally {
      await database.query('SELECT pg_drop_replication_slot($1)', [slot])
    }
  })

  test('runs no policy of row-level security, which could write', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`
        CREATE FUNCTION "tamper"() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN CREATE TABLE "tampered" (); RETURN true; END';
        GRANT USAGE ON SCHEMA chatkeep TO ${name}; GRANT SELECT ON chatkeep.migrations TO ${name};
        ALTER TABLE chatkeep.migrations ENABLE ROW LEVEL SECURITY;
        CREATE POLICY "trap" ON chatkeep.migrations TO ${name} USING ("tamper"())`)
      for (const argv of [
        ['migrate', '--dry-run'],
        ['migrate', '--sql'],
        ['rollback', '--dry-run'],
      ]) {
        const { exitCode, stderr } = await runChatkeep([...argv, '--database-url', url])
        expect([exitCode, stderr], argv.join(' ')).toEqual([3, expect.stringContaining('[42501]')])
      }
    })
  })
})

describe('the plan hash', () => {
  test('is the same for the same state, whatever the rows and the session', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { planHash } = await planOf(database)
    await database.load(`UPDATE "ChatMessage" SET "isRead" = true; ANALYZE; CREATE TABLE "of the application" ()`)
    expect((await planOf(database)).planHash).toBe(planHash)
    const sql = JSON.parse((await on(database, 'migrate', '--sql', '--json')).stdout) as Plan
    expect(sql.planHash).toBe(planHash)
    const { exitCode, stderr } = await on(database, 'migrate', '--plan-hash', planHash)
    expect(exitCode, stderr).toBe(0)
    expect((await planOf(database)).planHash).not.toBe(planHash)
  })

  test.for([
    ['a column added by hand', 'ALTER TABLE "ChatMessage" ADD COLUMN "note" text'],
    ['an index dropped', 'DROP INDEX "ChatMessage_unread_idx"'],
    [
      'a row added to the history',
      `INSERT INTO "chatkeep"."migrations" ("id", "name", "hash") VALUES (${MIGRATION_COUNT}, '${LAST_NAME}', '@')`,
    ],
    ['a label added to an enum', `ALTER TYPE "MessageType" ADD VALUE 'VIDEO'`],
  ])('refuses when something moved: %s', async ([, sql = ''], { database }) => {
    await migrated(database)
    const file = await database.query<{ hash: string }>(
      `DELETE FROM "chatkeep"."migrations" WHERE "id" = ${MIGRATION_COUNT} RETURNING "hash"`,
    )
    for (const command of ['migrate', 'rollback']) {
      const { planHash } = await planOf(database, command)
      await database.load(command === 'migrate' ? sql.replace('@', file[0]?.hash ?? '') : 'SELECT 1')
      const agreed = command === 'migrate' ? planHash : 'ffffffffffffffff'
      const { exitCode, stderr } = await on(
        database,
        command,
        '--plan-hash',
        agreed,
        ...(command === 'rollback' ? ['--confirm', database.name] : []),
      )
      const now = await planOf(database, command)
      expect([exitCode, stderr]).toEqual([
        5,
        expect.stringContaining(`as it is now, ${now.planHash}: it is of another database`),
      ])
      expect(stderr).toContain(`hint: see the new plan: chatkeep ${command} --dry-run`)
      expect(now.planHash).not.toBe(agreed)
    }
  })

  test.for(['migrate', 'rollback'])('refuses when a file changed: %s', async (command, { database }) => {
    await migrated(database)
    await withMigrationsFolder(async (folder) => {
      await writeFile(join(folder, `${NEXT_MIGRATION}_look.sql`), 'SELECT 1;\n')
      const { planHash } = await planOf(database, command, '--migrations', folder)
      await appendFile(
        join(folder, command === 'migrate' ? `${NEXT_MIGRATION}_look.sql` : 'rollback/5_add-idempotency-key.sql'),
        'SELECT 2;\n',
      )
      const run = await on(
        database,
        command,
        '--plan-hash',
        planHash,
        '--confirm',
        database.name,
        '--migrations',
        folder,
      ).then((first) =>
        first.exitCode === 2 ? on(database, command, '--plan-hash', planHash, '--migrations', folder) : first,
      )
      expect([run.exitCode, run.stderr]).toEqual([
        5,
        expect.stringContaining(`${planHash} is not the plan of this database as it is now`),
      ])
    })
  })

  test('is decided under the migration lock', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { planHash } = await planOf(database)
    const holder = await database.client()
    await holder.query('SELECT pg_advisory_lock(-8525285245963000605)')
    let moved: Promise<unknown> | undefined
    const { exitCode, stderr } = await runChatkeep(
      ['migrate', '--plan-hash', planHash, '--database-url', database.url],
      {
        onStderr: (line) => {
          if (!line.includes('waiting for the migration lock')) return
          moved ??= database
            .load('ALTER TABLE "ChatMessage" ADD COLUMN "note" text')
            .then(() => holder.query('SELECT pg_advisory_unlock(-8525285245963000605)'))
        },
      },
    )
    await moved
    expect([exitCode, stderr]).toEqual([
      5,
      expect.stringContaining(`${planHash} is not the plan of this database as it is now`),
    ])
  })
})

describe('the plan of rollback', () => {
  test('has every statement: what prepares it, then each way back, newest first', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const { phases, planHash } = await planOf(database, 'rollback')
    expect(phases.map(({ title }) => title)).toEqual([
      'start archive',
      'archive',
      'link guests',
      'move out',
      'guard',
      'check',
      'compare',
      ...MIGRATION_TITLES.slice(BASE_MIGRATION).toReversed(),
    ])
    const capture = phases.at(-1)?.statements.at(-3)
    expect(capture).toMatchObject({
      sql: 'DROP TRIGGER "chatkeep_capture" ON "public"."ChatMessage"',
      blocks: 'readers and writers',
    })
    expect(phases.at(-1)?.statements[0]).toMatchObject({
      estimate: { basis: expect.stringContaining('only the catalog') as string },
    })
    const { stdout } = await on(database, 'rollback', '--dry-run')
    expect(stdout).toMatch(
      /\nguard: alter ChatMessage: add constraint chatkeep_clientId_not_null \(not\n {2}validated\)\n {2}lock {2}ACCESS EXCLUSIVE on ChatMessage \(.*\), blocks readers and writers\n/,
    )
    expect(stdout).toContain('message without client gets the client of its guest name')
    expect(stdout).toContain(`Next: chatkeep rollback --plan-hash ${planHash} --confirm ${database.name}\n`)
    const unconfirmed = await on(database, 'rollback', '--plan-hash', planHash)
    expect([unconfirmed.exitCode, unconfirmed.stderr]).toEqual([5, expect.stringContaining('must be confirmed')])
    expect((await on(database, 'rollback', '--plan-hash', planHash, '--confirm', database.name)).exitCode).toBe(0)
    expect((await on(database, 'rollback', '--dry-run')).stdout).toContain('there is nothing to roll back')
  })

  test('refuses while a view uses a column that would go, before anything is done', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.query('CREATE VIEW "guests" AS SELECT "guestPhone" FROM "ChatMessage"')
    expect(await obstaclesOf(database, 'rollback')).toContain(
      'refused column_in_use: view public.guests uses "ChatMessage"."guestPhone"; first, in psql: DROP VIEW public.guests;',
    )
    const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
    expect([exitCode, stderr]).toEqual([
      5,
      expect.stringContaining('view public.guests uses "ChatMessage"."guestPhone"'),
    ])
    expect(await database.query(`SELECT to_regclass('chatkeep.archive') AS archive`)).toEqual([{ archive: null }])
  })
})
