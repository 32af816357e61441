import pg from 'pg'
import { createChatStore, type ChatStore } from '../../../src/index.js'
import type { Run } from '../../support/chatkeep.js'
import { checksum, migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { catalogOf } from '../../support/database-state.js'
import { findingsOf, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'
import { withOddSettings } from '../../support/odd-settings.js'
import { withSmallPooler } from '../../support/small-pooler.js'
import { SCRIPT_RUNNERS } from '../../support/run-script.js'
import { writeInput, transcriptLine } from '../../support/transcript.js'

/** The zone is Tokyo's, which verify notes. */
const oddFindingsOf = (run: Run): ReturnType<typeof findingsOf> =>
  findingsOf(run).filter(({ code }) => code !== 'local_time_default')

/** Columns of the application, of types whose text depends on settings. */
const ODD_COLUMNS = `
  ALTER TABLE "ChatMessage" ADD COLUMN "score" double precision DEFAULT 0.1::float8 + 0.2::float8,
    ADD COLUMN "took" interval DEFAULT '-1 day +02:03:04', ADD COLUMN "raw" bytea DEFAULT '\\x5c00ff', ADD COLUMN "day" date DEFAULT '2026-04-05'`

/** A message that a rollback links, and one that it moves out as a whole. */
const WITHOUT_CLIENT = `
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text")
  VALUES ('later a client', 'CLIENT', 'TEXT', 'hello'), (NULL, 'CLIENT', 'TEXT', 'whose?')`

const done = async (database: TestDatabase, ...argv: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await on(database, ...argv)
  expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return stdout
}

/** Saves at a known moment, whose seconds have fewer digits than those of today, and reads what it saved in each way. */
const expectKept = async (store: ChatStore, guestUsername: string): Promise<void> => {
  const createdAt = new Date('2001-02-03T04:05:06.007Z')
  const message = {
    senderType: 'CLIENT',
    messageType: 'TEXT',
    guestUsername,
    text: `\\'' of ${guestUsername}`,
  } as const
  const saved = await store.saveChatMessage({ ...message, createdAt, idempotencyKey: `key of ${guestUsername}` })
  expect(saved).toMatchObject({ createdAt, duplicate: false })
  const again = await store.saveChatMessage({ ...message, createdAt, idempotencyKey: `key of ${guestUsername}` })
  expect(again).toMatchObject({ createdAt, duplicate: true, id: saved.id })
  const before = Date.now()
  const { createdAt: now } = await store.saveChatMessage(message)
  expect(Math.abs(now.getTime() - before)).toBeLessThan(10_000)
  expect(await store.markMessagesAsRead({ guestUsername, operatorId: null, upToMessageId: saved.id })).toBe(1)
  const page = await store.getChatHistory({ guestUsername, maxBytes: 1_000 })
  expect(page.messages.map((one) => one.createdAt)).toEqual([createdAt, now])
  expect(Math.abs((page.messages[0]?.readAt?.getTime() ?? 0) - before)).toBeLessThan(10_000)
  const older = await store.getChatHistory({ guestUsername, before: page.nextAfter })
  expect(older.messages).toEqual(page.messages.slice(0, 1))
  expect((await store.getRecentChats({ limit: 1 })).chats[0]?.lastMessage).toEqual(page.messages[1])
}

const expectStored = async (database: TestDatabase, guest: string): Promise<void> => {
  await withStore(database, (store) => expectKept(store, guest))
  const line = await writeInput(`${transcriptLine({ conversation: guest, username: guest })}\n`)
  expect(await done(database, 'replay', line)).toContain('ok: 1 message attempted, 1 saved')
  expect(await done(database, 'replay', '--check-only', line)).toContain('ok: ')
  expect(await done(database, 'replay', '--scenario', 'guest-flow')).toContain('ok: 3 of 3 cases passed')
  expect(oddFindingsOf(await verify(database, '--probe'))).toEqual([])
  expect(await done(database, 'metrics', '--json')).toContain('"windowMs"')
  await database.query(
    `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text") VALUES ('of later', 'CLIENT', 'TEXT', 'hello')`,
  )
  expect(await done(database, 'reconcile')).toContain('1 message')
}

describe('a database with settings of its own', () => {
  test('is migrated, verified, measured and rolled back like any other', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(ODD_COLUMNS)
    await withOddSettings(database, [`lock_timeout = '1ms'`])
    const before = await catalogOf(database)
    await done(database, 'migrate', '--dry-run')
    await done(database, 'migrate')
    expect(oddFindingsOf(await verify(database))).toEqual([])
    expect(await done(database, 'migrate', '--history')).toContain(new Date().toISOString().slice(0, 10))
    await database.load(WITHOUT_CLIENT)
    const rows = await checksum(database, 'ChatMessage')
    await done(database, 'rollback', '--confirm', database.name)
    const [archived, ...others] = oddFindingsOf(await verify(database, '--expect', 'rolled-back'))
    expect([archived?.code, others]).toEqual(['archive_waiting', []])
    const ofApplication = ({ kind }: Record<string, unknown>): boolean => !String(kind).startsWith('own ')
    expect((await catalogOf(database)).filter(ofApplication)).toEqual(before)
    await done(database, 'migrate')
    expect(await checksum(database, 'ChatMessage')).toEqual(rows)
  })

  test('has its scripts run with the settings that they need, and keeps its own', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(ODD_COLUMNS)
    await withOddSettings(
      database,
      [`transaction_timeout = '90s'`].slice(0, (await majorVersion(database)) < 17 ? 0 : 1),
    )
    await SCRIPT_RUNNERS.runStatements(database, await done(database, 'migrate', '--sql'))
    await database.load(WITHOUT_CLIENT)
    const rows = await checksum(database, 'ChatMessage')
    await SCRIPT_RUNNERS.runAtOnce(database, await done(database, 'rollback', '--sql', 'transaction'))
    await done(database, 'migrate')
    expect(await checksum(database, 'ChatMessage')).toEqual(rows)
    const script = await done(database, 'rollback', '--sql')
    const session = await database.client()
    const settings = async (): Promise<unknown> =>
      (await session.query(`SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'chatkeep.%' ORDER BY 1`)).rows
    const before = await settings()
    await session.query('SET idle_session_timeout TO DEFAULT')
    for (const statement of script.split(/;\n/).filter((one) => /^(SET|RESET) /.test(one)))
      await session.query(statement)
    expect(await settings()).toEqual(before)
  })

  test('keeps messages as any other does, and shows them with their moments', async ({ database }) => {
    await migrated(database, 'crm-before')
    await withOddSettings(database)
    await expectStored(database, 'ana')
    const pool = new pg.Pool({ connectionString: database.url })
    pool.on('error', () => undefined)
    const settings = async (): Promise<unknown> => (await pool.query('SELECT name, setting FROM pg_settings')).rows
    const before = await settings()
    await expectKept(createChatStore({ pool }), 'of a pool of its own')
    expect(await settings()).toEqual(before)
    await pool.end()
  })

  test('does so behind a pooler, where no session keeps a setting', async ({ database }) => {
    await migrated(database, 'crm-before')
    await withOddSettings(database)
    await withSmallPooler(database.url, { mode: 'transaction' }, async (url) => {
      await expectStored({ ...database, url }, 'ana')
    })
  })
})

const majorVersion = async (database: TestDatabase): Promise<number> =>
  Math.floor(Number((await database.query(`SELECT current_setting('server_version_num') AS "n"`))[0]?.n) / 10_000)
