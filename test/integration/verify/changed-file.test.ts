import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shippedMigrations } from '../../../src/migrations/ledger/migration-files.js'
import { migrated, on } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { typeSteps } from '../../support/next-steps.js'
import { withMigrationsFolder } from '../../support/migrations-folder.js'

interface Found {
  readonly code: string
  readonly actual: string
  readonly diff: string | null
  readonly place: { readonly file: string; readonly line: number | null } | null
}

const FILE = '2_allow-guest-messages.sql'

/** Hands the work a folder of the migrations of which one was changed. */
const withChangedFile = (change: (sql: string) => string, work: (folder: string) => Promise<void>): Promise<void> =>
  withMigrationsFolder(async (folder) => {
    const path = join(folder, FILE)
    await writeFile(path, change(await readFile(path, 'utf8')))
    await work(folder)
  })

const find = async (database: TestDatabase, change: (sql: string) => string): Promise<Found | undefined> => {
  let found: Found | undefined
  await withChangedFile(change, async (folder) => {
    const { stdout } = await on(database, 'verify', '--json', '--migrations', folder)
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Found[] }
    found = findings.find(({ code }) => code === 'migration_changed')
  })
  return found
}

describe('verify says of a changed migration file', () => {
  test('what was changed, as a diff', async ({ database }) => {
    await migrated(database)
    const found = await find(database, (sql) => `${sql}ALTER TABLE "ChatMessage" ADD COLUMN "mood" TEXT;\n`)
    expect(found?.actual).toMatch(/^differs from what was applied on \d{4}-\d\d-\d\d$/)
    const lines = found?.diff?.split('\n') ?? []
    expect(lines[0]).toMatch(/^--- applied\/2_allow-guest-messages\.sql\tapplied on /)
    expect(lines[1]).toBe(`+++ migrations/${FILE}\tnow`)
    expect(lines.filter((line) => /^[+-](?![+-])/.test(line))).toEqual([
      '+ALTER TABLE "ChatMessage" ADD COLUMN "mood" TEXT;',
    ])
    const { length } = (await readFile(join(shippedMigrations(), FILE), 'utf8')).split('\n')
    expect(found?.place).toEqual({ file: `migrations/${FILE}`, line: length })
  })

  test('that only white space and comments differ', async ({ database }) => {
    await migrated(database)
    const found = await find(database, (sql) => `-- A remark.\n${sql.replaceAll('  ', '\t')}\n`)
    expect(found?.actual).toMatch(/^differs only in white space or comments: /)
    expect(found?.diff).toContain('+-- A remark.')
  })

  test('that a directive differs although it looks like a comment', async ({ database }) => {
    await migrated(database)
    const found = await find(database, (sql) => `-- postgres-migrations disable-transaction\n${sql}`)
    expect(found?.actual).toMatch(/^differs from what was applied on /)
  })

  test('that only the history was changed', async ({ database }) => {
    await migrated(database)
    await database.load(`UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 2`)
    const found = await find(database, (sql) => sql)
    expect(found).toMatchObject({
      diff: null,
      actual: 'same content as applied: the hash in the history was changed',
    })
  })

  test.for([
    ['the history alone', `UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 2`, (sql: string) => sql],
    ['comments', 'SELECT', (sql: string) => `${sql}-- A remark.\n`],
    ['the first row', `UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 0`, (sql: string) => sql],
  ] as const)(
    'what makes it right where it concerns %s, and migrate says the same',
    async ([what, breakage, change], { database }) => {
      await migrated(database)
      await database.load(breakage)
      await withChangedFile(change, async (folder) => {
        const [found] = findingsOf(await verify(database, '--migrations', folder))
        const refused = await on(database, 'migrate', '--json', '--migrations', folder)
        if (what === 'the first row')
          expect([found?.help, refused.exitCode]).toEqual([`chatkeep migrate --migrations ${folder}`, 0])
        else {
          const { error } = JSON.parse(refused.stdout) as {
            readonly error: { code: string; details: string[]; steps: unknown[] }
          }
          expect(refused.exitCode).toBe(5)
          expect(error).toMatchObject({
            code: 'history_mismatch',
            details: [`2_allow-guest-messages: ${found?.actual}`],
          })
          expect(error.steps[0]).toEqual(found?.steps[0])
          await typeSteps(database, found?.steps.slice(0, 1) ?? [])
        }
        expect(findingsOf(await verify(database, '--migrations', folder))).toEqual([])
        expect((await on(database, 'migrate', '--migrations', folder)).stdout).toContain('nothing had to be done')
      })
    },
  )

  test.for([
    ['there is no table of what was applied', 'DROP TABLE chatkeep.runs'],
    [
      'it is of another shape',
      'DROP TABLE chatkeep.runs; CREATE TABLE chatkeep.runs (id text); INSERT INTO chatkeep.runs VALUES (1)',
    ],
    ['an older version kept nothing', 'UPDATE chatkeep.runs SET detail = NULL'],
  ])('no more than before where %s', async ([, breakage], { database }) => {
    await migrated(database)
    await database.load(breakage ?? '')
    const found = await find(database, (sql) => `${sql}-- x\n`)
    expect(found).toMatchObject({ diff: null, actual: 'other content (the hash differs)' })
  })

  test('on the screen: the beginning of the diff, and how to see the rest', async ({ database }) => {
    await migrated(database)
    const many = Array.from({ length: 40 }, (_, n) => `-- remark ${n}\n`).join('')
    await withChangedFile(
      (sql) => many + sql,
      async (folder) => {
        const { stdout } = await on(database, 'verify', '--migrations', folder)
        expect(stdout).toMatch(
          /\n {4}--- applied\/2_allow-guest-messages\.sql.*\n {4}\+\+\+ migrations\/2_.*\n {4}@@ .*\n {4}\+-- remark 0\n/,
        )
        expect(stdout).toMatch(/\n {4}… \d\d more lines: --json\n {2}next {6}accept the file, in psql: UPDATE/)
        expect(stdout.split('\n').filter((line) => line.startsWith('    ')).length).toBe(21)
      },
    )
  })
})
