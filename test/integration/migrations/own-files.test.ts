import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OperatorError } from '../../../src/index.js'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { NEXT_MIGRATION } from '../../support/migration-list.js'
import { withMigrationsFolder } from '../../support/migrations-folder.js'
import { untilRows } from '../../support/until.js'

const FILE = `${NEXT_MIGRATION}_mine.sql`
const KEPT = String(NEXT_MIGRATION - 1)

interface Own {
  readonly migrate: (...flags: readonly string[]) => ReturnType<typeof on>
  readonly rollBack: (...flags: readonly string[]) => ReturnType<typeof on>
  /** Writes the next migration, or with a name another file. */
  readonly write: (content: string | Buffer, name?: string) => Promise<void>
  readonly folder: string
}

/** A migrated database, and a folder with one migration more. */
const withOwnFile = (database: TestDatabase, work: (own: Own) => Promise<void>): Promise<void> =>
  withMigrationsFolder(async (folder) => {
    await migrated(database)
    await mkdir(join(folder, 'rollback'), { recursive: true })
    const to = ['--to', KEPT, '--migrations', folder]
    await work({
      folder,
      migrate: (...flags) => on(database, 'migrate', '--migrations', folder, ...flags),
      rollBack: (...flags) => on(database, 'rollback', '--confirm', database.name, ...to, ...flags),
      write: (content, name = FILE) => writeFile(join(folder, name), content),
    })
  })

const tables = (database: TestDatabase, ...names: readonly string[]) =>
  database.query(`SELECT relname AS "table" FROM pg_class WHERE relname = ANY ($1) ORDER BY 1`, [names])

describe('a file of thousands of statements', () => {
  const COUNT = 2_000
  const inserts = Array.from({ length: COUNT }, (_, row) => `INSERT INTO seed VALUES ('ü ${row}');\n`).join('')

  test('is planned in a few lines, interrupted, run and rolled back, and an error in it has its place', async ({
    database,
  }) => {
    await withOwnFile(database, async ({ folder, migrate, rollBack, write }) => {
      await write(`CREATE TABLE seed (a text);\n${inserts}SELECT 'ü', nowhere;\n`)
      await write(`${'SELECT 1;\n'.repeat(COUNT)}DROP TABLE seed;\n`, `rollback/${FILE}`)
      const plan = await migrate('--dry-run')
      expect(plan.stdout).toContain(`migration ${NEXT_MIGRATION}: create table seed, and 2,001 more`)
      expect(plan.stdout.split('\n').length).toBeLessThan(15)

      const interruption = new AbortController()
      const run = runChatkeep(['migrate', '--migrations', folder, '--database-url', database.url], {
        signal: interruption.signal,
      })
      const inserting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'INSERT INTO seed%'`
      await untilRows(database, inserting, { what: 'the migration has begun' })
      interruption.abort(new OperatorError('interrupted', 'ended by SIGTERM', { exitCode: 143 }))
      const { exitCode, stderr } = await run
      expect([exitCode, stderr]).toEqual([
        143,
        expect.stringContaining(
          'error: migrate was ended by SIGTERM; completed migrations are kept\n  state: this migration was rolled back;',
        ),
      ])

      const failed = await migrate()
      expect([failed.exitCode, failed.stderr]).toEqual([
        1,
        expect.stringContaining(`error: migrations/${FILE}:${COUNT + 2}:13: column "nowhere" does not exist [42703]`),
      ])
      expect(await tables(database, 'seed')).toEqual([])

      await write(`CREATE TABLE seed (a text);\n${inserts}`)
      expect((await migrate()).exitCode).toBe(0)
      expect(await database.query('SELECT count(*)::integer AS "rows" FROM seed')).toEqual([{ rows: COUNT }])
      expect((await rollBack()).exitCode).toBe(0)
      expect(await tables(database, 'seed')).toEqual([])
    })
  })

  test('on many tables has rows for some of them, with the strongest lock of the rest', async ({ database }) => {
    await withOwnFile(database, async ({ migrate, write }) => {
      const alterations = Array.from({ length: 50 }, (_, n) => `ALTER TABLE t${n} ADD COLUMN a text;\n`)
      await write(
        [...alterations.slice(0, 30), 'CREATE INDEX ON "ChatMessage" (id);\n', ...alterations.slice(30)].join(''),
      )
      const { stdout } = await migrate('--dry-run')
      expect(stdout).toContain(
        `migration ${NEXT_MIGRATION}: … and 32 more statements\n  lock  at most ACCESS EXCLUSIVE on t19, blocks readers and writers\n`,
      )
      expect(stdout.match(/^migration /gm)).toHaveLength(20)
      expect((await migrate('--dry-run', '--verbose')).stdout).toContain('ALTER TABLE t49 ADD COLUMN a text;')
    })
  })
})

describe('a statement that would leave its file', () => {
  test('is refused with its place, in the plan, as a script and in the run, and nothing is changed', async ({
    database,
  }) => {
    await withOwnFile(database, async ({ migrate, write }) => {
      await write('CREATE TABLE half (a int);\n\tCOMMIT; SELECT 1/0;\nROLLBACK;\n')
      for (const flags of [['--dry-run'], ['--sql'], ['--sql', 'transaction'], []]) {
        const { exitCode, stderr } = await migrate(...flags)
        expect([exitCode, stderr]).toEqual([
          5,
          expect.stringContaining(
            `error: migrations/${FILE}:2:2: COMMIT cannot be used in this file: it runs in one transaction, which also writes its row in the history; nothing was changed
     2 | \tCOMMIT; SELECT 1/0;
       | \t^
  also at 3:1: ROLLBACK
hint: remove it; what is to be committed by itself belongs in a file of its own\n`,
          ),
        ])
      }
      expect(await tables(database, 'half')).toEqual([])
    })
  })

  test('is refused in a rollback file, and where each statement is committed by itself', async ({ database }) => {
    await withOwnFile(database, async ({ migrate, rollBack, write }) => {
      await write('-- postgres-migrations disable-transaction\nBEGIN; CREATE TABLE half (a int); END;\n')
      const alone = await migrate()
      expect([alone.exitCode, alone.stderr]).toEqual([
        5,
        expect.stringContaining(`${FILE}:2:1: BEGIN cannot be used in this file: each of its statements is committed`),
      ])
      await write('CREATE TABLE half (a int);\n')
      expect((await migrate()).exitCode).toBe(0)
      await write('DROP TABLE half; COMMIT; SELECT 1/0;\n', `rollback/${FILE}`)
      for (const flags of [['--dry-run'], ['--sql'], []]) {
        const { exitCode, stderr } = await rollBack(...flags)
        expect([exitCode, stderr]).toEqual([
          5,
          expect.stringContaining(`error: migrations/rollback/${FILE}:1:18: COMMIT cannot be used in this file`),
        ])
      }
      expect(await tables(database, 'half')).toEqual([{ table: 'half' }])
    })
  })

  test.for([
    ['COPY t FROM stdin;\n1\ta\n\\.\n', 5, `${FILE}:1:1: COPY t FROM stdin cannot be used in this file: its rows come`],
    [
      'SELECT 1;\n\\i more.sql\n',
      2,
      `${FILE}:2:1 is not valid SQL: syntax error at or near "\\"\n     2 | \\i more.sql`,
    ],
    ['VACUUM;\n', 5, 'file of its own that begins with the line -- postgres-migrations disable-transaction'],
  ] as const)('is named, too, when it is one of psql: %j', async ([sql, exitCode, reason], { database }) => {
    await withOwnFile(database, async ({ migrate, write }) => {
      await write(sql)
      const run = await migrate()
      expect([run.exitCode, run.stderr]).toEqual([exitCode, expect.stringContaining(reason)])
    })
  })

  test('is not one that sets something: that ends with the file', async ({ database }) => {
    await withOwnFile(database, async ({ migrate, write }) => {
      const settings = `SET ROLE pg_monitor; SET search_path = pg_catalog; SET statement_timeout = '100ms'; SET default_transaction_read_only = on;`
      const [second, third, fourth] = [1, 2, 3].map((n) => `${NEXT_MIGRATION + n}_more-${n}.sql`)
      await write(settings)
      await write('CREATE TABLE one AS SELECT 1 AS a FROM pg_sleep(0.2);\n', second)
      await write(`-- postgres-migrations disable-transaction\n${settings}`, third)
      await write('CREATE TABLE two AS SELECT 1 AS a FROM pg_sleep(0.2);\n', fourth)
      const { exitCode, stderr } = await migrate()
      expect(exitCode, stderr).toBe(0)
      expect(
        await database.query(
          `SELECT tablename, schemaname, tableowner = current_user AS "ours" FROM pg_tables WHERE tablename IN ('one', 'two') ORDER BY 1`,
        ),
      ).toEqual(['one', 'two'].map((tablename) => ({ tablename, schemaname: 'public', ours: true })))
    })
  })
})

test('a file without transaction that fails says what of it took effect', async ({ database }) => {
  await withOwnFile(database, async ({ migrate, write }) => {
    await write('-- postgres-migrations disable-transaction\nCREATE TABLE half (a int); SELECT 1/0;\n')
    const { exitCode, stderr } = await migrate()
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining('state: 1 statement of this migration took effect before it, and will run again;'),
    ])
  })
})

test('a file that is not UTF-8 is refused with its place, whatever reads it', async ({ database }) => {
  await withOwnFile(database, async ({ folder, migrate, rollBack, write }) => {
    await write('SELECT 1;\n')
    expect((await migrate()).exitCode).toBe(0)
    await write(Buffer.from('-- café\n', 'latin1'), `rollback/${FILE}`)
    const undone = await rollBack()
    expect([undone.exitCode, undone.stderr]).toEqual([
      2,
      expect.stringContaining(
        `${FILE} cannot be rolled back; nothing was changed\n  rollback/${FILE}:1:7: is not UTF-8`,
      ),
    ])
    await write(Buffer.from('SELECT 1;\n-- café\n', 'latin1'))
    for (const run of [
      migrate(),
      migrate('--dry-run'),
      migrate('--sql'),
      rollBack(),
      on(database, 'verify', '--migrations', folder),
    ]) {
      const { exitCode, stderr } = await run
      expect([exitCode, stderr]).toEqual([
        2,
        expect.stringContaining(`${FILE}:2:7: is not UTF-8: 0xe9 (byte 17 of the file)`),
      ])
    }
  })
})
