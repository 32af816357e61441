import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrated } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { afterAll, beforeAll, describe, expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { parseXml } from '../../support/parse-xml.js'

/** The guide that the update came with; it is kept outside of the repository. */
const SEED = fileURLToPath(new URL('../../../../shared/seed/chat-persistence-update-guide.md', import.meta.url))
const EXAMPLE = readFileSync(new URL('../../support/fixtures/guide.md', import.meta.url), 'utf8')

const UPDATE = `
  ALTER TABLE "ChatMessage" ALTER "clientId" DROP NOT NULL, ADD "guestUsername" text, ADD "guestPhone" text`

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-guide-'))
})
afterAll(() => rm(folder, { recursive: true }))

const fence = (sql: string, output?: string): string =>
  `\`\`\`sql\n${sql}\n\`\`\`\n${output === undefined ? '' : `Expected output:\n\`\`\`\n${output}\n\`\`\`\n`}`

const verifyGuide = async (
  { url }: { readonly url: string },
  text: string,
  ...flags: readonly string[]
): Promise<Run> => {
  await writeFile(join(folder, 'guide.md'), text)
  return runChatkeep(['verify', 'guide.md', ...flags], { cwd: folder, env: { DATABASE_URL: url } })
}

/** What became of each fence, in the order of the guide. */
const statesOf = ({ stdout }: Run): readonly string[] =>
  (JSON.parse(stdout) as { fences: { state: string; reason: string | null }[] }).fences.map(
    ({ state, reason }) => reason ?? state,
  )

const findingsOf = ({ stdout }: Run) =>
  (
    JSON.parse(stdout) as {
      findings: { code: string; object: string; actual: string; help: string; sqlState: string | null }[]
    }
  ).findings

/** The findings as `code place`. */
const placesOf = (run: Run): readonly string[] => findingsOf(run).map(({ code, object }) => `${code} ${object}`)

describe('verify with a guide', () => {
  test.skipIf(!existsSync(SEED))(
    'compares the guide of the update (skipped where ../shared/seed is missing)',
    async ({ database }) => {
      await loadFixture(database, 'crm-before')
      const text = readFileSync(SEED, 'utf8')
      const before = await verifyGuide(database, text, '--json')
      expect([before.exitCode, placesOf(before)]).toEqual([
        1,
        [
          'guide_output_differs guide.md:52:30',
          'guide_output_differs guide.md:53:2',
          'guide_output_differs guide.md:54:2',
        ],
      ])
      await database.load(UPDATE)
      const after = await verifyGuide(database, text.replaceAll('\n', '\r\n'), '--json')
      expect([after.exitCode, statesOf(after)]).toEqual([
        0,
        [
          ...['bash', 'ok', 'bash', ...Array<string>(6).fill('typescript'), 'no expected output'],
          ...['ALTER is not a query', 'bash', ...Array<string>(3).fill('no expected output')],
        ],
      ])
    },
  )

  test('points at the wrong cell', async ({ database }) => {
    await migrated(database)
    const { exitCode, stdout, stderr } = await verifyGuide(database, EXAMPLE)
    expect([exitCode, stderr]).toEqual([1, ''])
    expect((await verifyGuide(database, EXAMPLE, '-q')).stdout).toMatch(/^FAIL: [^\n]*\n$/)
    const twice = await verifyGuide(database, EXAMPLE, './guide.md', '--json')
    expect(statesOf(twice)).toEqual(['failed', 'no expected output'])
    expect(stdout.split('\n').slice(2, -2).join('\n')).toBe(`guide.md
 fence           | result
-----------------+-----------------------------
    5 Guest chat | FAIL
   26 Monitoring | not run: no expected output

error guide_output_differs: guide.md:19:30
  19 |  guestPhone    | text      | NO
     |                              ^^
  expected  guestPhone | text | NO
  actual    guestPhone | text | YES
  next      see what the update lacks: chatkeep verify
  or        correct the guide if it is wrong

More on a finding: chatkeep explain guide_output_differs
`)
    expect(stdout.split('\n').at(-2)).toMatch(
      /^FAIL: \w+ is not as guide\.md expects: 1 fence failed, 0 as expected, 1 not run \(.*\)\. Next: /,
    )

    const annotations = (await verifyGuide(database, EXAMPLE, '--format', 'github')).stdout
    expect(annotations).toMatch(
      /^::error title=chatkeep verify%3A guide_output_differs,file=guide\.md,line=19,col=30::/,
    )
    const [suite] = parseXml((await verifyGuide(database, EXAMPLE, '--format', 'junit')).stdout).children
    expect(suite?.attributes).toMatchObject({ tests: '2', failures: '1', skipped: '1' })
  })

  test('runs every other fence when one fails, and leaves nothing of a query behind', async ({ database }) => {
    await migrated(database)
    const run = await verifyGuide(
      database,
      [
        fence('SELECT "id",\n  "nope" FROM "ChatMessage"', ' id\n----'),
        fence(
          "SELECT set_config('search_path', 'pg_catalog', true) AS s, set_config('TimeZone', 'Asia/Tokyo', false) AS z",
          ' s | z\n---+---\n pg_catalog | Asia/Tokyo',
        ),
        fence('SELECT 1 / 0', ' a\n---'),
        fence(
          "VALUES (NULL, true, timestamptz '2026-01-01 00:00+01', E'x\\ty\\r'); TABLE \"Client\"",
          String.raw` column1 | column2 |        column3         | column4
---------+---------+------------------------+---------
         | t       | 2025-12-31 23:00:00+00 | x       y\r

 id | createdAt | updatedAt | username | phone | status | pointsBalance
----+-----------+-----------+----------+-------+--------+---------------
(0 rows)`,
        ),
        fence('SELECT nextval(\'"Client_id_seq"\')', ' nextval\n---------\n 1'),
        fence('SELECT g FROM generate_series(1, 1000000) AS g', ' g\n---\n 1'),
        fence('SELECT 1 FROM', ' a\n---'),
        fence('SELECT 1', 'one'),
        fence('SELECT count(*) FROM "ChatMessage"; SELECT 1', ' count\n---\n 0'),
      ].join('\n'),
      '--json',
    )
    expect(statesOf(run)).toEqual([
      ...['failed', 'set_config() acts on the server or the session', 'failed', 'ok', 'it writes'],
      ...Array<string>(4).fill('failed'),
    ])
    expect(placesOf(run)).toEqual([
      'guide_query_failed guide.md:3:3',
      'guide_query_failed guide.md:22:1',
      'guide_output_differs guide.md:61:2',
      'guide_query_failed guide.md:65:14',
      'guide_output_unreadable guide.md:78:1',
      'guide_output_unreadable guide.md:88:2',
    ])
    expect(findingsOf(run)[2]?.actual).toBe('more than 1 row')
    expect(findingsOf(run).map(({ help }) => help.startsWith('see what the update lacks'))).toEqual([
      ...[true, false, false, false, false, false],
    ])
    expect(findingsOf(run).map(({ sqlState }) => sqlState)).toEqual(['42703', '22012', null, '42601', null, null])
  })

  test('finds unqualified names in --schema, and says what it could not ask', async ({ database }) => {
    await database.load(`
      CREATE SCHEMA "My App"; CREATE TABLE "My App"."ChatMessage" ("id" integer);
      CREATE TABLE "My App"."Open" AS SELECT 1 AS "id"`)
    const counts = fence('SELECT count(*) FROM "ChatMessage"', ' count\n---\n 0')
    const guide = `${counts}${fence('TABLE "Open"', ' id\n---\n 1')}`
    expect((await verifyGuide(database, guide, '--schema', 'My App')).exitCode).toBe(0)
    expect((await verifyGuide(database, guide)).exitCode).toBe(1)

    await withLimitedRole(database, async (role) => {
      await database.load(
        `GRANT USAGE ON SCHEMA "My App" TO ${role.name}; GRANT SELECT ON "My App"."Open" TO ${role.name}`,
      )
      const denied = await verifyGuide(role, guide, '--schema', 'My App', '--json')
      expect([denied.exitCode, statesOf(denied), placesOf(denied)]).toEqual([
        3,
        ['unknown', 'ok'],
        ['guide_query_refused guide.md:2:1'],
      ])
    })
    const slow = await verifyGuide(
      database,
      `${fence('SELECT pg_sleep(9)', ' a\n---')}${guide}`,
      '--schema',
      'My App',
      '--json',
      '--statement-timeout',
      '50ms',
    )
    expect([slow.exitCode, statesOf(slow)]).toEqual([3, ['unknown', 'ok', 'ok']])

    const locker = await database.client()
    await locker.query('BEGIN; LOCK TABLE "My App"."ChatMessage"')
    const locked = await verifyGuide(database, guide, '--schema', 'My App', '--json')
    expect([locked.exitCode, statesOf(locked), placesOf(locked)]).toEqual([
      4,
      ['unknown', 'ok'],
      ['not_checked_in_time guide.md:1'],
    ])
    await locker.query('ROLLBACK')
  })

  test.for([
    ['nothing to compare', ['verify', 'guide.md'], 'guide.md: no query with an expected output was found'],
    ['a file that is missing', ['verify', 'guide.md', 'no.md'], 'no.md: no such file or folder'],
    ['a folder', ['verify', '.'], 'it is a folder'],
    ['flags of the checks', ['verify', 'guide.md', '--probe', '--fail-on', 'note'], '--fail-on, --probe'],
  ] as const)('refuses %s without asking a database', async ([, argv, message]) => {
    await writeFile(join(folder, 'guide.md'), `\`\`\`bash\nls\n\`\`\`\n${fence('SELECT 1')}`)
    const { exitCode, stdout, stderr } = await runChatkeep(argv, {
      cwd: folder,
      env: { DATABASE_URL: 'postgres://127.0.0.1:1/x' },
    })
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })
})
