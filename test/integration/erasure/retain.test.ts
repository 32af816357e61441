import { createChatStore } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadPartitioned } from '../../support/partitioned.js'
import { withLimitedRole } from '../../support/limited-role.js'

const BEFORE_2026 = ['retain', '--older-than', '2026-01-01'] as const

/** 2,500 messages of 2025, ten of which are a minute before the end of the year, and ten of its end. */
const loadYears = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.load(`
    INSERT INTO "Client" ("username", "updatedAt") VALUES ('ada', now()), ('bea', now());
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt", "idempotencyKey")
    SELECT 1, 'CLIENT', 'TEXT', 'old', timestamp '2025-06-01' + n * interval '1 hour', 'old ' || n FROM generate_series(1, 2490) AS n;
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
    SELECT 1 + n % 2, 'CLIENT', 'TEXT', 'edge', timestamp '2025-12-31 23:59' + n / 10 * interval '1 minute' FROM generate_series(0, 19) AS n`)
}

const messages = async (database: TestDatabase): Promise<number> =>
  (await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM "ChatMessage"'))[0]?.count ?? -1

describe('retain', () => {
  test('counts by month, deletes what is older once it is confirmed, and keeps everything else', async ({
    database,
  }) => {
    await loadYears(database)
    const preview = await on(database, ...BEFORE_2026, '--dry-run')
    expect(preview.stdout).toMatch(/ 2025-06 \|\s+719\n/)
    expect(preview.stdout).toMatch(/ 2025-12 \|\s+10\n/)
    const refused = await on(database, ...BEFORE_2026)
    expect([refused.exitCode, refused.stderr]).toEqual([
      5,
      expect.stringContaining(`--older-than 2026-01-01T00:00:00.000Z --confirm ${database.name}`),
    ])
    expect((await on(database, ...BEFORE_2026, '--confirm', 'other')).exitCode).toBe(5)
    expect(await messages(database)).toBe(2_510)
    const argv = [...BEFORE_2026, '--confirm', database.name, '--batch-size', '400', '--json']
    const done = await on(database, ...argv)
    expect(JSON.parse(done.stdout)).toMatchObject({ ok: true, messages: 2_500, deleted: 2_500, dryRun: false })
    expect(await database.query('SELECT DISTINCT "createdAt"::text AS at FROM "ChatMessage"')).toEqual([
      { at: '2026-01-01 00:00:00' },
    ])
    expect(await database.query('SELECT "id" FROM "Client"')).toHaveLength(2)
    expect(JSON.parse((await on(database, ...argv)).stdout)).toMatchObject({ deleted: 0 })
    expect((await on(database, 'verify')).exitCode).toBe(0)
  })

  test('shows the size of what is there, not of what was deleted before', async ({ database }) => {
    await loadYears(database)
    await database.load(`UPDATE "ChatMessage" SET "text" = repeat('x', 1500)`)
    const bytes = async (): Promise<number> => {
      const { stdout } = await on(database, ...BEFORE_2026, '--dry-run', '--json')
      return (JSON.parse(stdout) as { bytes: number }).bytes
    }
    const before = await bytes()
    expect([before > 2_500 * 1_500, before < 2_500 * 1_800]).toEqual([true, true])
    await database.load(`DELETE FROM "ChatMessage" WHERE "id" % 10 > 0; ANALYZE "ChatMessage"`)
    expect((await bytes()) / before).toBeCloseTo(0.1, 2)
  })

  test('takes the longest age there is, and names a mistyped flag', async ({ database }) => {
    await loadYears(database)
    const none = await on(database, 'retain', '--older-than', '9999y', '--dry-run')
    expect([none.exitCode, none.stdout]).toEqual([0, expect.stringContaining('dry run: no message is older than')])
    const mistyped = await on(database, 'retain', '--older-then=2y')
    expect([mistyped.exitCode, mistyped.stderr]).toEqual([2, expect.stringContaining("unknown option '--older-then'")])
    expect(mistyped.stderr).toContain('did you mean --older-than?')
  })

  test('deletes around a row that another session holds, and names that session', async ({ database }) => {
    await loadYears(database)
    const holder = await database.client({ application_name: 'holder' })
    await holder.query(`BEGIN; SELECT FROM "ChatMessage" WHERE "id" = 7 FOR UPDATE`)
    const argv = [...BEFORE_2026, '--confirm', database.name, '--max-wait', '300ms']
    const busy = await on(database, ...argv)
    expect([busy.exitCode, busy.stderr]).toEqual([4, expect.stringContaining('(holder, as ')])
    expect(busy.stderr).toContain('state: 2,499 messages are deleted')
    await holder.query('ROLLBACK')
    expect((await on(database, ...argv)).stdout).toContain('ok: 1 message deleted')
  })

  test('says what refers to the messages, and is refused where that would not let them go', async ({ database }) => {
    await loadYears(database)
    await database.load(`
      CREATE TABLE "Tag" ("message" integer REFERENCES "ChatMessage" ("id") ON DELETE CASCADE);
      CREATE TABLE "Ticket" ("message" integer REFERENCES "ChatMessage" ("id"));
      INSERT INTO "Tag" VALUES (1), (2), (2510); INSERT INTO "Ticket" VALUES (3)`)
    const refused = await on(database, ...BEFORE_2026, '--confirm', database.name)
    expect([refused.exitCode, refused.stderr]).toEqual([
      5,
      expect.stringContaining('public."Ticket": 1 row, and the foreign key allows no deletion'),
    ])
    expect(refused.stderr).toContain('public."Tag": 2 rows, deleted as well: ON DELETE CASCADE')
    expect(await messages(database)).toBe(2_510)
  })

  test('stops between two batches when it is interrupted, and says how much is done', async ({ database }) => {
    await loadYears(database)
    const interrupt = new AbortController()
    const stopped = await runChatkeep([...BEFORE_2026, '--confirm', database.name, '--batch-size', '100', '--json'], {
      env: { DATABASE_URL: database.url },
      signal: interrupt.signal,
      onStderr: (text) => {
        if (text.includes('deleting')) interrupt.abort()
      },
    })
    expect(stopped.exitCode).toBe(130)
    const { error } = JSON.parse(stopped.stdout) as { error: { details: string[] } }
    const deleted = 2_510 - (await messages(database))
    expect([deleted > 0, deleted < 2_500, error.details]).toEqual([
      true,
      true,
      [`state: ${deleted.toLocaleString('en-US')} messages are deleted`],
    ])
  })

  test('says how much is done when its connection is lost, and continues', async ({ database }) => {
    await loadYears(database)
    const administrator = await database.client({})
    let ending: Promise<unknown> | undefined
    const argv = [...BEFORE_2026, '--confirm', database.name, '--batch-size', '100'] as const
    const lost = await runChatkeep(argv, {
      env: { DATABASE_URL: database.url },
      onStderr: (text) => {
        if (text.includes('deleting'))
          ending ??= administrator.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatkeep retain' AND datname = current_database()`,
          )
      },
    })
    await ending
    const deleted = 2_510 - (await messages(database))
    expect([lost.exitCode, deleted > 0, deleted < 2_500]).toEqual([3, true, true])
    expect(lost.stderr).toMatch(
      /state: at least [\d,]+ messages are deleted; the same command continues where it stopped/,
    )
    expect((await on(database, ...argv)).stdout).toContain(
      `ok: ${(2_500 - deleted).toLocaleString('en-US')} messages deleted`,
    )
  })

  test('frees the keys of a partitioned table, and names the partitions that are older as a whole', async ({
    database,
  }) => {
    await loadPartitioned(database)
    await on(database, 'migrate')
    const sent = (at: string, key: string) =>
      withStore(database, (store) =>
        store.saveChatMessage({
          ...{ guestUsername: 'ada', senderType: 'CLIENT', messageType: 'TEXT', text: key },
          ...{ idempotencyKey: key, createdAt: new Date(at) },
        }),
      )
    await sent('2026-01-31', 'old')
    await sent('2026-02-03', 'new')
    const argv = ['retain', '--older-than', '2026-02-02', '--confirm', database.name]
    const done = await on(database, ...argv)
    expect([done.exitCode, done.stderr]).toEqual([0, expect.stringMatching(/note: partition .* is older as a whole/)])
    expect(await database.query('SELECT "idempotencyKey" AS key FROM "chatkeep"."message_keys"')).toEqual([
      { key: 'new' },
    ])
    expect(await sent('2026-02-04', 'old')).toMatchObject({ duplicate: false })
  })
})

describe('deleteMessagesBefore of the store', () => {
  test('deletes as retain does, for a role that may delete', async ({ database }) => {
    await loadYears(database)
    await withLimitedRole(database, async ({ url, name }) => {
      await database.load(`GRANT SELECT, UPDATE ON "ChatMessage" TO ${name}`)
      const store = createChatStore({ databaseUrl: url })
      const call = (given = {}) => store.deleteMessagesBefore(new Date('2026-01-01'), given)
      await expect(call()).rejects.toMatchObject({
        code: 'privilege_missing',
        hint: expect.stringContaining(`GRANT DELETE ON "public"."ChatMessage" TO ${name}`) as string,
      })
      await database.load(`GRANT DELETE ON "ChatMessage" TO ${name}`)
      const interrupt = new AbortController()
      const stopped = call({ batchSize: 100, signal: interrupt.signal, onProgress: () => interrupt.abort('enough') })
      await expect(stopped).rejects.toBe('enough')
      expect(await messages(database)).toBe(2_410)
      expect(await call()).toBe(2_400)
      await expect(store.deleteMessagesBefore(new Date(Date.now() + 60_000))).rejects.toMatchObject({
        code: 'invalid_option',
      })
      await store.close()
    })
  })
})
