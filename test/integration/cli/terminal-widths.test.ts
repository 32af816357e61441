import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { migrated } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { transcriptLine } from '../../support/transcript.js'

const WIDTHS = [40, 80, 200]

/** What a terminal of this width shows, line by line. */
const screen = async (
  database: TestDatabase,
  columns: number,
  argv: readonly string[],
  more: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<readonly string[]> => {
  const env = { DATABASE_URL: database.url, ...more.env }
  const { stdout, stderr } = await runChatkeep(argv, { ...more, env, columns })
  return stripVTControlCharacters(`${stderr}${stdout}`).split(/[\n\r]/)
}

// What is typed stays whole, so that it can be copied; so do names.
const isWhole = (line: string): boolean =>
  /^ *(?:\w+(?: \w+)* {2,})?(?:chatkeep .*|[A-Z]{2,} .*;|ALTER TABLE .*|\S+)$/.test(line)

const tooLong = (lines: readonly string[], columns: number): readonly string[] =>
  lines.filter((line) => line.length > columns && !isWhole(line))

const isTable = (lines: readonly string[]): boolean => lines.some((line) => /^-+\+-/.test(line))

describe.each(WIDTHS)('on a terminal of %i columns', (columns) => {
  test('the plan fits, with every word whole', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.query('ANALYZE')
    const lines = await screen(database, columns, ['migrate', '--dry-run'])
    expect(tooLong(lines, columns)).toEqual([])
    expect(isTable(lines)).toBe(columns === 200)
    const words = lines.join(' ').replaceAll(/\s+/g, ' ')
    expect(words).toContain('migration 8: create index ChatMessage_unread_idx, concurrently')
    expect(words).toMatch(/SHARE UPDATE EXCLUSIVE on ChatMessage \([\d.]+ MB\), blocks schema changes/)
    expect(words).toMatch(/ACCESS EXCLUSIVE on ChatMessage \([\d.]+ MB\), blocks readers and writers/)
    expect(words).toContain('each INSERT maintains up to 12 indexes instead of 4')
    expect(words).not.toContain('…')
  })

  test('plan and price tag of a rollback fit', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    for (const argv of [['rollback', '--dry-run'], ['rollback']]) {
      const lines = await screen(database, columns, argv)
      expect(tooLong(lines, columns)).toEqual([])
      expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(
        'message without client gets the client of its guest name',
      )
    }
  })

  test('findings of verify fit', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load(`DROP INDEX "ChatMessage_clientSocketId_createdAt_idx";
      ALTER TABLE "ChatMessage" ALTER COLUMN "guestPhone" TYPE varchar(20)`)
    const lines = await screen(database, columns, ['verify'])
    expect(tooLong(lines, columns)).toEqual([])
    expect(isTable(lines)).toBe(columns > 40)
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('ChatMessage_clientSocketId_createdAt_idx')
  })

  test('metrics, history, reports and errors fit', async ({ database }) => {
    await migrated(database, 'crm-before')
    const cwd = await mkdtemp(join(tmpdir(), 'chatkeep-width-'))
    await writeFile(join(cwd, 'chats.ndjson'), `${transcriptLine({ text: 'Hello' })}\nwrong\n`)
    for (const argv of [
      ['metrics'],
      ['migrate', '--history'],
      ['replay', 'chats.ndjson'],
      ['replay', '--scenario', 'guest-flow'],
      ['reconcile'],
      ['explain'],
      ['explain', 'index_missing'],
      ['migrate', '--plan-hash', 'ffffffffffffffff', '--yes'],
      ['verify', '--schema', 'nothing here'],
      ['retain', '--older-than', '2026-06-01', '--dry-run'],
      ['retain', '--older-than', '2026-06-01'],
      ['erase', '--client-id', '1', '--dry-run'],
      ['erase', '--client-id', '1'],
    ])
      expect(tooLong(await screen(database, columns, argv, { cwd }), columns), argv.join(' ')).toEqual([])
    await rm(cwd, { recursive: true })
  })
})

test.for([
  ['TERM', 'dumb'],
  ['NO_COLOR', '1'],
])('no escape codes and no carriage returns with %s=%s', async ([name = '', value = ''], { database }) => {
  await loadFixture(database, 'crm-before')
  const env = { DATABASE_URL: database.url, [name]: value }
  const blocker = await database.client()
  await blocker.query('BEGIN; LOCK TABLE "ChatMessage" IN ACCESS SHARE MODE')
  const argv = ['migrate', '--yes', '--max-wait', '1s']
  const { exitCode, stdout, stderr } = await runChatkeep(argv, { env, columns: 80 })
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('waiting')])
  expect(`${stdout}${stderr}`).not.toMatch(/[\u001b\r]/)
  const coloured = await runChatkeep(argv, { env: { DATABASE_URL: database.url }, columns: 80 })
  expect(coloured.stderr).toContain('\r\u001b[K')
})

describe('--verbose', () => {
  test('shows every statement in full, in a dry run and before a change', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const statement =
      'CREATE INDEX CONCURRENTLY "ChatMessage_unread_idx" ON "ChatMessage" ("clientId", "createdAt") WHERE NOT "isRead" AND "senderType" OPERATOR(pg_catalog.=) \'CLIENT\';'
    const facts = [
      '-- 8_index-unread: create index ChatMessage_unread_idx, concurrently',
      '-- locks: SHARE UPDATE EXCLUSIVE on ChatMessage; outside a transaction',
    ]
    const dryRun = await screen(database, 80, ['migrate', '--dry-run', '--verbose'])
    expect(dryRun).toEqual(expect.arrayContaining([statement, ...facts]))
    expect(await screen(database, 80, ['migrate', '--dry-run'])).not.toContain(statement)
    expect(await screen(database, 80, ['migrate', '--verbose'])).toEqual(expect.arrayContaining([statement, ...facts]))
    expect(await screen(database, 80, ['rollback', '--verbose'])).toContain(
      'DROP INDEX CONCURRENTLY IF EXISTS "ChatMessage_unread_idx";',
    )
  })
})

test('the plan says what it leaves on the tables, in JSON as well', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  const of = async (command: string): Promise<unknown> => {
    const { stdout } = await runChatkeep([command, '--dry-run', '--json'], { env: { DATABASE_URL: database.url } })
    return (JSON.parse(stdout) as { readonly afterwards: readonly unknown[] }).afterwards[0]
  }
  const columns = ['guestUsername', 'guestPhone', 'idempotencyKey', 'guestUnverified']
  const none = { columns: [], indexes: [], constraints: [], triggers: [] }
  expect(await of('migrate')).toEqual({
    table: 'ChatMessage',
    added: { ...none, columns, indexes: expect.arrayContaining(['ChatMessage_unread_idx']) as unknown },
    dropped: { ...none, constraints: ['NOT NULL of clientId'] },
    indexes: { before: 4, after: 12 },
  })
  await runChatkeep(['migrate'], { env: { DATABASE_URL: database.url } })
  // The trigger of the rollback itself goes with it.
  expect(await of('rollback')).toEqual({
    table: 'ChatMessage',
    added: { ...none, constraints: ['NOT NULL of clientId'] },
    dropped: {
      ...none,
      columns: expect.arrayContaining(columns) as unknown,
      indexes: expect.arrayContaining(['ChatMessage_unread_idx']) as unknown,
    },
    indexes: { before: 12, after: 4 },
  })
})
