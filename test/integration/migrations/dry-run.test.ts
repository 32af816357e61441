import { migrated, on } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { query, test as serverTest } from '../../support/embedded-servers.js'
import { loadFixture, type FixtureName } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { withSmallPooler } from '../../support/small-pooler.js'
import { startStandby } from '../../support/standby.js'
import { TABLE_WAITS } from '../../support/table-waits.js'
import { untilRows } from '../../support/until.js'

interface Verdict {
  readonly exitCode: number
  readonly code: string | undefined
  readonly message: string | undefined
}

const verdictOf = ({ exitCode, stdout }: Run): Verdict => {
  const { error } = JSON.parse(stdout) as { readonly error?: { readonly code: string; readonly message: string } }
  return { exitCode, code: error?.code, message: error?.message }
}

/** The same command as a dry run, as a script where there is one, and in earnest. */
const allVerdicts = async (url: string, command: Command, more: readonly string[] = []) => {
  const run = async (...argv: readonly string[]): Promise<Verdict> =>
    verdictOf(await runChatkeep([command, ...argv, ...more, '--json', '--database-url', url]))
  const dryRun = await run('--dry-run')
  const scripts = command === 'migrate' ? [await run('--sql'), await run('--sql', 'transaction')] : []
  const name = decodeURIComponent(new URL(url).pathname.slice(1))
  const inEarnest = await run(...(command === 'migrate' ? ['--yes'] : ['--confirm', name]))
  return { dryRun, scripts, inEarnest }
}

type Command = 'migrate' | 'rollback'

const expectOne = async (url: string, command: Command, expected: Partial<Verdict>, more?: readonly string[]) => {
  const { dryRun, scripts, inEarnest } = await allVerdicts(url, command, more)
  expect(inEarnest, 'the run').toMatchObject(expected)
  expect([dryRun, ...scripts], 'dry run and scripts').toEqual([dryRun, ...scripts].map(() => inEarnest))
}

interface Cause {
  readonly title: string
  readonly commands: readonly Command[]
  readonly fixture?: FixtureName
  /** `chatkeep migrate` before. */
  readonly isMigrated?: true
  readonly sql?: string
  readonly flags?: readonly string[]
  readonly expected: Partial<Verdict>
}

const serverVersion = async (database: TestDatabase): Promise<number> => {
  const [row] = await database.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::integer AS "version"`,
  )
  return row?.version ?? 0
}

const BOTH = ['migrate', 'rollback'] as const

const CAUSES: readonly Cause[] = [
  {
    title: 'default_transaction_read_only',
    commands: BOTH,
    fixture: 'crm-before',
    sql: `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
    expected: { exitCode: 3, code: 'read_only_database' },
  },
  { title: 'no such schema', commands: BOTH, flags: ['--schema', 'nosuch'], expected: { exitCode: 2 } },
  {
    title: 'no such folder',
    commands: BOTH,
    fixture: 'crm-before',
    flags: ['--migrations', 'nowhere'],
    expected: { exitCode: 2 },
  },
  {
    title: 'another plan',
    commands: BOTH,
    fixture: 'crm-before',
    flags: ['--plan-hash', 'deadbeefdeadbeef'],
    expected: { exitCode: 5, code: 'plan_changed' },
  },
  {
    title: 'a column with rows of the table',
    commands: ['migrate'],
    fixture: 'crm-before',
    sql: 'CREATE TABLE "copies" ("of" "ChatMessage")',
    expected: { exitCode: 5, code: 'cannot_migrate' },
  },
  {
    title: 'another object in the way',
    commands: ['migrate'],
    fixture: 'crm-before',
    sql: 'CREATE INDEX "ChatMessage_unread_idx" ON "ChatMessage" ("id")',
    expected: { exitCode: 5, code: 'schema_conflict' },
  },
  {
    title: 'a column of ours that must not be missing',
    commands: ['migrate'],
    isMigrated: true,
    sql: 'ALTER TABLE "ChatMessage" ALTER COLUMN "guestUsername" SET NOT NULL',
    expected: { exitCode: 5, code: 'schema_conflict' },
  },
  {
    title: 'an index whose table is partitioned',
    commands: ['migrate'],
    sql: `CREATE TABLE "User" ("id" integer PRIMARY KEY) PARTITION BY RANGE ("id")`,
    expected: { exitCode: 5 },
  },
  { title: 'nothing to do', commands: ['migrate'], isMigrated: true, expected: { exitCode: 0 } },
  {
    title: 'the update without a history',
    commands: ['rollback'],
    fixture: 'hand-migrated',
    expected: { exitCode: 5, code: 'no_history' },
  },
  {
    title: 'a view of a column',
    commands: ['rollback'],
    isMigrated: true,
    sql: 'CREATE VIEW "guests" AS SELECT "guestUsername" FROM "ChatMessage"',
    expected: { exitCode: 5, code: 'column_in_use' },
  },
  {
    title: 'a client that cannot be created',
    commands: ['rollback'],
    isMigrated: true,
    sql: `ALTER TABLE "Client" ADD COLUMN "tenant" integer NOT NULL;
      INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('zoe', 'CLIENT', 'TEXT')`,
    expected: { exitCode: 5, code: 'clients_cannot_be_created' },
  },
  {
    title: 'a client whose name is checked too late',
    commands: ['rollback'],
    isMigrated: true,
    sql: `ALTER TABLE "Client" ADD CONSTRAINT "late" UNIQUE ("username") DEFERRABLE;
      INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('zoe', 'CLIENT', 'TEXT')`,
    expected: { exitCode: 5, code: 'clients_cannot_be_created' },
  },
  {
    title: 'a message of nobody, which is not to be moved',
    commands: ['rollback'],
    isMigrated: true,
    sql: `INSERT INTO "ChatMessage" ("senderType", "messageType") VALUES ('CLIENT', 'TEXT')`,
    flags: ['--on-orphans', 'abort'],
    expected: { exitCode: 5, code: 'messages_without_client' },
  },
  {
    title: 'a message of nobody, which is referenced',
    commands: ['rollback'],
    isMigrated: true,
    sql: `CREATE TABLE "stars" ("message" integer REFERENCES "ChatMessage" ("id"));
      INSERT INTO "ChatMessage" ("id", "senderType", "messageType") VALUES (99, 'CLIENT', 'TEXT'); INSERT INTO "stars" VALUES (99)`,
    expected: { exitCode: 5, code: 'messages_are_referenced' },
  },
  {
    title: 'a migration that is not applied',
    commands: ['rollback'],
    isMigrated: true,
    flags: ['--to', '99'],
    expected: { exitCode: 2, code: 'migration_not_applied' },
  },
]

const MAY_READ = `GRANT USAGE ON SCHEMA public, chatkeep TO ROLE;
  GRANT SELECT ON "ChatMessage", "Client", chatkeep.migrations, chatkeep.runs TO ROLE`

describe('a dry run, and --sql, end as the run does', () => {
  test.for(CAUSES.flatMap((cause) => cause.commands.map((command) => [command, cause.title, cause] as const)))(
    '%s: %s',
    async ([command, , cause], { database }) => {
      if (cause.fixture !== undefined) await loadFixture(database, cause.fixture)
      if (cause.isMigrated === true) expect((await on(database, 'migrate', '--create-tables')).exitCode).toBe(0)
      if (cause.sql !== undefined) await database.load(cause.sql)
      await expectOne(database.url, command, cause.expected, cause.flags)
    },
  )

  test.for([
    ['of the owner of the tables', '', { exitCode: 3, code: 'insufficient_privilege' }, 'crm-before'],
    ['to read, and nothing pending', MAY_READ, { exitCode: 0 }, undefined],
    ['to read, and something pending', `${MAY_READ}; DROP INDEX "ChatMessage_unread_idx"`, { exitCode: 3 }, undefined],
  ] as const)('migrate: a role without the rights %s', async ([, sql, expected, fixture], { database }) => {
    if (fixture !== undefined) await loadFixture(database, fixture)
    else expect((await on(database, 'migrate', '--create-tables')).exitCode).toBe(0)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(sql.replaceAll('ROLE', name))
      await expectOne(url, 'migrate', expected)
      await expectOne(url, 'rollback', fixture === undefined ? { exitCode: 3 } : { exitCode: 0 })
    })
  })

  test('an owner of the tables who may not create what belongs to them, and what is granted then', async ({
    database,
  }) => {
    const grantAfterRefusal = async (url: string, command: Command, grant: string): Promise<void> => {
      await expectOne(url, command, { exitCode: 3, code: 'insufficient_privilege' })
      const { stdout } = await runChatkeep([command, '--dry-run', '--database-url', url])
      expect(stdout).toContain(`hint: as a role that may, in psql: ${grant};\n`)
      await database.load(grant)
    }
    await loadFixture(database, 'crm-before')
    await withLimitedRole(database, async (owner) => {
      // "User" stays with somebody else: no migration changes it.
      await database.load(`
        ALTER TABLE "ChatMessage" OWNER TO ${owner.name}; ALTER TABLE "Client" OWNER TO ${owner.name};
        GRANT USAGE, CREATE ON SCHEMA public TO ${owner.name}; CREATE SCHEMA chatkeep AUTHORIZATION ${owner.name};
        ALTER ROLE ${owner.name} SET default_tablespace = pg_global`)
      await grantAfterRefusal(owner.url, 'migrate', `GRANT CREATE ON TABLESPACE "pg_global" TO ${owner.name}`)
      await database.load(`
        REVOKE CREATE ON TABLESPACE pg_global FROM ${owner.name}; ALTER ROLE ${owner.name} RESET default_tablespace`)
      await withLimitedRole(database, async (member) => {
        if ((await serverVersion(database)) < 160_000) return
        await database.load(`GRANT ${owner.name} TO ${member.name} WITH INHERIT TRUE, SET FALSE`)
        await grantAfterRefusal(member.url, 'migrate', `GRANT ${owner.name} TO ${member.name} WITH SET TRUE`)
        expect((await runChatkeep(['migrate', '--dry-run', '--database-url', member.url])).exitCode).toBe(0)
      })
      expect((await runChatkeep(['migrate', '--database-url', owner.url])).exitCode).toBe(0)
      await database.load('REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC')
      await grantAfterRefusal(owner.url, 'rollback', `GRANT USAGE ON LANGUAGE plpgsql TO ${owner.name}`)
      const { exitCode } = await runChatkeep(['rollback', '--confirm', database.name, '--database-url', owner.url])
      expect(exitCode).toBe(0)
    })
  })

  test.for(BOTH)('%s: a pooler that shares sessions, whose plan is shown', async (command, { database }) => {
    expect((await on(database, 'migrate', '--create-tables')).exitCode).toBe(0)
    await database.load('DROP INDEX "ChatMessage_unread_idx"')
    await withSmallPooler(database.url, { mode: 'transaction' }, async (url) => {
      for (const more of [[], ['--plan-hash', 'deadbeefdeadbeef']]) {
        const { dryRun, scripts, inEarnest } = await allVerdicts(url, command, more)
        expect(inEarnest).toMatchObject({ exitCode: 5, code: 'connection_pooler' })
        expect(dryRun).toEqual(inEarnest)
        // A script is for another session.
        expect(scripts.map(({ code }) => code)).toEqual(
          scripts.map(() => (more.length === 0 ? undefined : 'plan_changed')),
        )
      }
      const { stdout } = await runChatkeep([command, '--dry-run', '--database-url', url])
      expect(stdout).toMatch(/^migration (?:8: create|13: drop) index /m)
      const refusal = `dry run: would end with exit code 5: ${command} cannot run through a connection pooler that shares sessions`
      expect(stdout).toContain(`\n${refusal} (transaction mode): other clients could get its lock and settings\nhint: `)
      expect(stdout).toContain(`; or make a script: chatkeep ${command} --sql transaction`)
    })
  })
})

describe('a rollback with nothing to undo says so', () => {
  const expectNothing = async (database: TestDatabase, why = ''): Promise<void> => {
    const nothing = `there is nothing to roll back in ${database.name}${why}`
    const dryRun = await on(database, 'rollback', '--dry-run')
    expect([dryRun.exitCode, dryRun.stdout]).toEqual([0, expect.stringContaining(`\ndry run: ${nothing}\n`)])
    const run = await on(database, 'rollback')
    expect([run.exitCode, run.stdout]).toEqual([0, `ok: ${nothing}\n`])
  }

  test('in an empty database', async ({ database }) => {
    await expectNothing(database, ': it has no tables of a chat, so it may be the wrong database')
  })

  test.for(['crm-before', 'foreign-migrations-table'] as const)(
    'in one that was never migrated: %s',
    async (fixture, { database }) => {
      await loadFixture(database, fixture)
      await expectNothing(database)
    },
  )

  test('a second time', async ({ database }) => {
    expect((await on(database, 'migrate', '--create-tables')).exitCode).toBe(0)
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    await expectNothing(database)
  })
})

test('a column that another session drops while the plan is made is missing in the plan', async ({ database }) => {
  await migrated(database)
  await database.load('DROP INDEX "ChatMessage_idempotencyKey_key"')
  const other = await database.client()
  await other.query('BEGIN; ALTER TABLE "ChatMessage" DROP COLUMN "idempotencyKey"')
  const planning = on(database, 'migrate', '--dry-run')
  await untilRows(database, TABLE_WAITS, { what: 'the plan to wait for the table' })
  await other.query('COMMIT')
  const { exitCode, stdout, stderr } = await planning
  expect(exitCode, stdout + stderr).toBe(0)
  expect(stdout).toContain('add column idempotencyKey')
})

serverTest('on a standby both end with 3, and the plan is shown', async ({ embedded }) => {
  const standby = await startStandby(embedded, (primary) => query(primary.url('postgres'), 'CREATE DATABASE crm'))
  for (const command of BOTH) await expectOne(standby.url('crm'), command, { exitCode: 3, code: 'read_only_database' })
  const { stdout } = await runChatkeep(['migrate', '--dry-run', '--database-url', standby.url('crm')])
  expect(stdout).toContain('migration 1: create type')
  expect(stdout).toContain(
    'dry run: would end with exit code 3: the server is read-only: it is a standby\nhint: connect to the primary server\n',
  )
})
