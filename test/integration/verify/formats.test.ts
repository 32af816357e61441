import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { parseXml, type XmlElement } from '../../support/parse-xml.js'
import { checks } from '../../../src/verify/checks/index.js'

// The role's check runs only for a role that is named.
const CHECKS = String(checks.filter(({ expectations }) => expectations.includes('migrated')).length - 1)

const BREAKAGE = `ALTER TABLE "Client" ADD COLUMN "evil\u001b[2J\n<&>'""]]>::error::%0A, x:y \ufffe" text NOT NULL`

const junit = async (
  database: TestDatabase,
  ...flags: readonly string[]
): Promise<{ readonly exitCode: number; readonly suite: XmlElement; readonly cases: readonly XmlElement[] }> => {
  const { exitCode, stdout } = await on(database, 'verify', '--format', 'junit', ...flags)
  const [suite] = parseXml(stdout).children
  if (suite === undefined) throw new Error('no test suite')
  return { exitCode, suite, cases: suite.children.filter(({ name }) => name === 'testcase') }
}

const failuresOf = (cases: readonly XmlElement[]): readonly string[] =>
  cases.flatMap(({ attributes, children }) =>
    children.some(({ name }) => name === 'failure') ? [attributes.name ?? ''] : [],
  )

describe('verify --format junit', () => {
  test('has a test case for each check, all passed where nothing is found', async ({ database }) => {
    await migrated(database)
    const { exitCode, suite, cases } = await junit(database)
    expect(exitCode).toBe(0)
    expect(suite.attributes).toMatchObject({ name: 'chatkeep verify', tests: CHECKS, failures: '0', errors: '0' })
    expect(cases).toHaveLength(Number(CHECKS))
    expect(failuresOf(cases)).toEqual([])
  })

  test('fails the checks that found an error, and only puts down what others found', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load('DROP INDEX "Client_phone_key"; DROP INDEX "Client_username_key"')
    const { exitCode, suite, cases } = await junit(database)
    expect(exitCode).toBe(1)
    expect(suite.attributes).toMatchObject({ tests: CHECKS, failures: '1' })
    expect(failuresOf(cases)).toEqual(['unique-columns'])
    const failure = cases.find(({ attributes }) => attributes.name === 'unique-columns')?.children[0]
    expect(failure?.attributes).toEqual({
      type: 'unique_index_missing',
      message: 'unique_index_missing: "Client"."username" (and 1 more)',
    })
    expect(failure?.text).toContain('CREATE UNIQUE INDEX CONCURRENTLY ON "public"."Client" ("phone")')
    const unlinked = cases.find(({ attributes }) => attributes.name === 'unlinked-messages')?.children
    expect(unlinked).toMatchObject([{ name: 'system-out' }])
    expect(unlinked?.[0]?.text).toMatch(/^warning unlinked_messages: /)
  })

  test('skips, with the reason, the checks that could not look', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const { suite, cases } = await junit(database)
    const skipped = cases.flatMap(({ attributes, children }) =>
      children
        .filter(({ name }) => name === 'skipped')
        .map(({ attributes: { message } }) => `${attributes.name}: ${message}`),
    )
    expect(suite.attributes).toMatchObject({ failures: '1', skipped: String(skipped.length) })
    expect(skipped.map((line) => line.slice(0, 80))).toEqual([
      'damaged-history: there is no history',
      'own-schema: nothing was migrated yet',
      expect.stringMatching(/^guest-update: migrations are pending: allow-guest-messages, index-/),
      'doubled-keys: there is no column "ChatMessage"."idempotencyKey"',
      expect.stringMatching(/^message-keys: /),
      'unlinked-messages: there is no column "ChatMessage"."guestUsername"',
      'ownerless-messages: there is no column "ChatMessage"."guestUsername"',
      'waiting-messages: there is no column "ChatMessage"."guestUsername"',
      'unverified-without-guest: there is no column "ChatMessage"."guestUsername"',
    ])
    const { stdout } = await on(database, 'verify', '--format', 'github')
    expect(stdout).toContain('::notice title=chatkeep verify%3A skipped::damaged-history: there is no history%0A')
    const { skipped: listed } = JSON.parse((await on(database, 'verify', '--json')).stdout) as { skipped: unknown[] }
    expect(listed).toHaveLength(skipped.length)
  })

  test('skips every check of a database without tables that has nothing to look at', async ({ database }) => {
    const { cases } = await junit(database, '--probe')
    const passed = cases.filter(({ children }) => !children.some(({ name }) => name !== 'system-out'))
    expect(passed.map(({ attributes }) => attributes.name)).toEqual([
      'rollback-leftovers',
      'archive',
      'encoding',
      'durability',
      'committing-roles',
      'standbys',
      'replication-slots',
      'open-schema',
      'running-change',
    ])
  })

  test('fails warnings when asked to', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const { exitCode, cases } = await junit(database, '--fail-on', 'warning')
    expect(exitCode).toBe(1)
    expect(failuresOf(cases)).toEqual(expect.arrayContaining(['unlinked-messages', 'ownerless-messages']))
  })

  test('is well-formed whatever names are made of', async ({ database }) => {
    await migrated(database)
    await database.load(BREAKAGE)
    const { cases } = await junit(database)
    const failure = cases.find(({ attributes }) => attributes.name === 'unfilled-columns')?.children[0]
    expect(failure?.attributes.message).toContain(String.raw`evil\u001b[2J`)
    expect(failure?.text).toContain(`<&>'"]]>`)
    expect(failure?.text).toContain(String.raw`x:y \ufffe`)
  })

  test('is a document with an error when the database cannot be asked', async () => {
    const argv = ['verify', '--format', 'junit', '--database-url', 'postgres://u:a<b&c@127.0.0.1:1/x']
    const { exitCode, stdout, stderr } = await runChatkeep(argv)
    expect(exitCode).toBe(3)
    const [suite] = parseXml(stdout).children
    expect(suite?.attributes).toMatchObject({ tests: '1', errors: '1' })
    expect(suite?.children[0]?.children[0]).toMatchObject({
      name: 'error',
      attributes: { type: 'database_unreachable' },
    })
    expect(stderr).toMatch(/^error: /)
  })
})

describe('verify --format github', () => {
  test('annotates every finding, each in one line, then says the verdict', async ({ database }) => {
    await migrated(database)
    await database.load(
      `INSERT INTO "ChatMessage" ("senderType", "messageType") VALUES ('CLIENT', 'TEXT'); ${BREAKAGE}; UPDATE chatkeep.migrations SET hash = repeat('0', 40) WHERE id = 3`,
    )
    const { exitCode, stdout } = await on(database, 'verify', '--format', 'github')
    const lines = stdout.trimEnd().split('\n')
    expect(exitCode).toBe(1)
    expect(lines[1]).toMatch(
      /^::error title=chatkeep verify%3A migration_changed,file=migrations\/3_index-guest-username\.sql::error migration_changed: migration 3_.*%0A {2}expected .*%0A {2}next/,
    )
    expect(lines[0]).toMatch(
      /^::error title=chatkeep verify%3A column_without_default::.*evil\\u001b\[2J\\u000a<&>'"\]\]>::error::%250A, x:y /,
    )
    expect(lines.slice(2, 4).join('\n')).toMatch(/^::warning title=chatkeep verify%3A ownerless_messages::/)
    expect(lines.at(-1)).toMatch(/^FAIL: \w+ is not migrated as it should be: 2 errors, /)
    expect(lines.slice(0, -1).every((line) => /^::(error|warning|notice) /.test(line))).toBe(true)
    expect(stdout).not.toContain('\u001b')
  })

  test('annotates that the database cannot be asked', async () => {
    const argv = ['verify', '--format', 'github', '--database-url', 'postgres://u@127.0.0.1:1/x']
    const { exitCode, stdout } = await runChatkeep(argv)
    expect(exitCode).toBe(3)
    expect(stdout).toMatch(
      /^::error title=chatkeep verify%3A database_unreachable::cannot reach the database .*%0Ahint: .*\n$/,
    )
  })
})

describe('verify --format', () => {
  test('json is what --json prints, with null for what a finding does not have', async ({ database }) => {
    await migrated(database)
    await database.load(`DROP INDEX "Client_phone_key"`)
    const documents = await Promise.all(
      [['--json'], ['--format', 'json'], ['--json', '--format', 'json']].map(async (flags) => {
        const { stdout } = await on(database, 'verify', ...flags)
        return { ...(JSON.parse(stdout) as { findings: readonly unknown[] }), durationMs: 0 }
      }),
    )
    expect(documents[1]).toEqual(documents[0])
    expect(documents[2]).toEqual(documents[0])
    expect(documents[0]?.findings[0]).toMatchObject({
      check: 'unique-columns',
      place: null,
      diff: null,
      sqlState: null,
    })
  })

  test('contradicts --json when it is another, and must be one that there is', async () => {
    const contradicting = await runChatkeep([
      'verify',
      '--json',
      '--format',
      'junit',
      '--database-url',
      'postgres://x/y',
    ])
    expect(contradicting.exitCode).toBe(2)
    expect(contradicting.stderr).toContain('--json and --format junit exclude each other')
    const unknown = await runChatkeep(['verify', '--format', 'xml'])
    expect(unknown.exitCode).toBe(2)
    const wrong = await runChatkeep(['verify', '--format=json', '--expect', 'x'])
    expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false, error: { code: 'usage' } })
  })

  test('fails a note only when asked to', async ({ database }) => {
    await migrated(database)
    await database.client({ application_name: 'chatkeep migrate' })
    expect(failuresOf((await junit(database, '--fail-on', 'warning')).cases)).not.toContain('running-change')
    expect(failuresOf((await junit(database, '--fail-on', 'note')).cases)).toContain('running-change')
  })
})
