import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { loadFixture } from '../../support/fixtures.js'
import { shellWords } from '../../support/next-steps.js'

/** Commands for a database that a screen shows, each up to the end of its line or sentence. */
const printedCommands = ({ stdout, stderr }: Run): readonly string[] =>
  Array.from(
    `${stdout}\n${stderr}`.matchAll(
      /(?:Next: |(?<!way back): |^ *(?:hint:|then:|or:|next|then|or) +)(chatkeep (?:migrate|verify|rollback|metrics|reconcile|replay|serve)\b[^\n]*?)(?=,? but for | for the statements|; (?:then|or) |$)/gm,
    ),
    ([, command = '']) => command,
  )

const HISTORY = `SELECT count(*)::integer AS "tables" FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1`

const tablesOf = async (database: TestDatabase, schema: string): Promise<number> =>
  (await database.query<{ tables: number }>(HISTORY, [schema]))[0]?.tables ?? 0

/** Runs a command line, and then what each screen says is next, until nothing new is printed. */
const followNext = async (
  first: readonly string[],
  type: (argv: readonly string[]) => Promise<Run>,
  { most }: { readonly most: number },
): Promise<readonly string[]> => {
  const typed: string[] = []
  let argv = first
  for (let count = 0; count < most; count += 1) {
    const run = await type(argv)
    const next = printedCommands(run).find((command) => !typed.includes(command))
    if (next === undefined) break
    typed.push(next)
    argv = await shellWords(next)
  }
  return typed
}

describe('every command that is printed', () => {
  test('acts on the database of the flag, not on that of the environment', async ({ database: staging }) => {
    await withDatabase(async (production) => {
      await loadFixture(production, 'crm-before')
      await loadFixture(staging, 'crm-before')
      const url = new URL(staging.url)
      const type = (argv: readonly string[]): Promise<Run> =>
        runChatkeep(argv, { env: { DATABASE_URL: production.url, PGPASSWORD: decodeURIComponent(url.password) } })
      const target = ['--database-url', url.href]
      const typed = [
        ...(await followNext(['verify', ...target], type, { most: 3 })),
        ...(await followNext(['migrate', '--dry-run', ...target], type, { most: 4 })),
        ...(await followNext(['rollback', '--dry-run', ...target], type, { most: 4 })),
      ]
      expect(typed.length).toBeGreaterThan(3)
      const { password } = url
      url.password = ''
      for (const command of typed) expect(command).toContain(`--database-url '${url.href}'`)
      expect(typed.join('\n')).not.toContain(password)
      expect(await tablesOf(staging, 'chatkeep')).toBeGreaterThan(0)
      expect(await tablesOf(production, 'chatkeep')).toBe(0)
      expect(typed).toContainEqual(
        expect.stringMatching(/^chatkeep rollback .*--plan-hash \w+ --confirm 127\.0\.0\.1\/\w+$/),
      )
    })
  })

  test('names the schema of the flag', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load('CREATE SCHEMA crmx')
    await database.load((await shapeIn('crmx')).join(';'))
    const type = (argv: readonly string[]): Promise<Run> => runChatkeep(argv, { env: { DATABASE_URL: database.url } })
    const typed = [
      ...(await followNext(['migrate', '--dry-run', '--schema', 'crmx'], type, { most: 4 })),
      ...(await followNext(['rollback', '--schema', 'crmx'], type, { most: 4 })),
    ]
    for (const command of typed) expect(command).toMatch(/ --schema crmx\b/)
    expect(await tablesOf(database, 'chatkeep_crmx')).toBeGreaterThan(0)
    expect(await tablesOf(database, 'chatkeep')).toBe(0)
  })
})

const shapeIn = async (schema: string): Promise<readonly string[]> => {
  const { readFile } = await import('node:fs/promises')
  const sql = await readFile(new URL('../../../migrations/1_create-chat-tables.sql', import.meta.url), 'utf8')
  return [`SET search_path = ${schema}`, sql, 'RESET search_path']
}

test('a password that printed commands leave out is named, and not shown', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  const { stdout, stderr } = await runChatkeep(['verify', '--database-url', database.url])
  const note =
    'note: the commands above leave out the password of --database-url: chatkeep asks for it on a terminal, else set PGPASSWORD\n'
  expect(stderr).toBe(note)
  expect(stdout).not.toContain(new URL(database.url).password)
  expect((await runChatkeep(['verify'], { env: { DATABASE_URL: database.url } })).stderr).toBe('')
})

describe('rollback --confirm', () => {
  test('names the host, too, where a flag overrides the environment', async ({ database: staging }) => {
    await withDatabase(async (production) => {
      await loadFixture(staging, 'crm-before')
      const type = (...argv: readonly string[]): Promise<Run> =>
        runChatkeep([...argv, '--database-url', staging.url], { env: { DATABASE_URL: production.url } })
      expect((await type('migrate')).exitCode).toBe(0)
      const refused = await type('rollback', '--confirm', staging.name)
      expect(refused.exitCode).toBe(5)
      expect(refused.stderr).toContain(
        `error: the environment names another database, too: a rollback must be confirmed with 127.0.0.1/${staging.name}; nothing was changed`,
      )
      expect((await type('rollback', '--confirm', `127.0.0.1/${staging.name}`)).exitCode).toBe(0)
    })
  })

  test('takes the name alone where flag and environment name the same database', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const type = (...argv: readonly string[]): Promise<Run> =>
      runChatkeep([...argv, '--database-url', database.url], { env: { DATABASE_URL: database.url } })
    expect((await type('migrate')).exitCode).toBe(0)
    expect((await type('rollback', '--confirm', database.name)).exitCode).toBe(0)
  })
})

test('DIRECT_URL and DATABASE_URL that differ are named, and a rollback says which it means', async ({
  database: direct,
}) => {
  await withDatabase(async (pooled) => {
    await loadFixture(pooled, 'crm-before')
    await loadFixture(direct, 'crm-before')
    const env = { DATABASE_URL: pooled.url, DIRECT_URL: direct.url }
    const { stderr } = await runChatkeep(['metrics'], { env })
    expect(stderr).toContain('hint: chatkeep migrate\n')
    expect(stderr).toMatch(
      new RegExp(
        `\\nnote: this was about ${pooled.name} on .*; migrate, rollback and verify use DIRECT_URL: ${direct.name} on `,
      ),
    )
    expect((await runChatkeep(['migrate'], { env })).exitCode).toBe(0)
    const rollBack = (name: string): Promise<Run> => runChatkeep(['rollback', '--confirm', name], { env })
    expect((await rollBack(direct.name)).exitCode).toBe(5)
    expect((await rollBack(`127.0.0.1/${direct.name}`)).exitCode).toBe(0)
    expect(await tablesOf(pooled, 'chatkeep')).toBe(0)
  })
})

describe('a plan', () => {
  test('of another database of the same shape is refused', async ({ database: staging }) => {
    await withDatabase(async (production) => {
      const planOf = async ({ url }: TestDatabase): Promise<string> => {
        const { stdout } = await runChatkeep(['migrate', '--dry-run', '--json', '--database-url', url])
        return (JSON.parse(stdout) as { planHash: string }).planHash
      }
      await loadFixture(staging, 'crm-before')
      await loadFixture(production, 'crm-before')
      const [planned, other] = [await planOf(staging), await planOf(production)]
      expect(planned).not.toBe(other)
      expect(await planOf(staging)).toBe(planned)
      const run = await runChatkeep(['migrate', '--plan-hash', planned, '--database-url', production.url])
      expect(run.exitCode).toBe(5)
      expect(await tablesOf(production, 'chatkeep')).toBe(0)
    })
  })
})

describe('a database without the tables of a chat', () => {
  test('gets them only when that is asked for, and is named as a wrong database first', async ({ database }) => {
    const env = { DATABASE_URL: database.url }
    for (const argv of [['migrate'], ['migrate', '--yes'], ['migrate', '--dry-run']]) {
      const { exitCode, stdout, stderr } = await runChatkeep(argv, { env })
      expect(exitCode).toBe(5)
      expect(`${stdout}${stderr}`).toContain(
        ` as postgres has no tables of a chat in schema "public": this may be the wrong database`,
      )
    }
    expect(await database.query(`SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).toEqual([])
    const verified = await runChatkeep(['verify'], { env })
    expect(verified.stdout).toContain(
      [
        '  next      name the right database, or the schema of the tables with --schema',
        '  or        create them: chatkeep migrate --create-tables',
      ].join('\n'),
    )
    const created = await runChatkeep(['migrate', '--create-tables'], { env })
    expect(created.exitCode, created.stderr).toBe(0)
    expect(created.stderr).toContain('the plan creates "User", "Client", "ChatMessage"')
  })
})
