import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { createBulkStore } from '../../../src/persistence/bulk-store.js'
import { checksum, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { loadPartitioned, partition } from '../../support/partitioned.js'
import { SCRIPT_RUNNERS } from '../../support/run-script.js'

const done = async (database: TestDatabase, ...argv: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await on(database, ...argv)
  expect([argv, exitCode, stderr]).toEqual([argv, 0, expect.any(String)])
  return stdout
}

interface Plan {
  readonly steps: readonly { readonly name: string; readonly statements: readonly { readonly sql: string }[] }[]
}

const invalidIndexes = (database: TestDatabase): Promise<readonly Record<string, unknown>[]> =>
  database.query(`SELECT indexrelid::regclass::text AS "index" FROM pg_index WHERE NOT indisvalid ORDER BY 1`)

const KEYS = `SELECT "idempotencyKey", "messageId", "createdAt"::text, "clientId", "bodyHash" FROM "chatkeep"."message_keys" ORDER BY 1`

// As far as the store is concerned, the two are on different servers.
const withTwoStores = async <T>(database: TestDatabase, work: (a: ChatStore, b: ChatStore) => Promise<T>): Promise<T> =>
  withStore(database, (a) => withStore(database, (b) => work(a, b)))

const guest = { guestUsername: 'ada', senderType: 'CLIENT', messageType: 'TEXT' } as const

const operator = { senderType: 'OPERATOR', operatorId: 1, messageType: 'TEXT', text: 'hello' } as const
const CONFLICT = { code: 'idempotency_conflict' }

const BEFORE_MIDNIGHT = new Date('2026-01-31T23:59:59.900Z')
const AFTER_MIDNIGHT = new Date('2026-02-01T00:00:00.100Z')

// The table of keys stays, as a restore of the schema leaves it.
const FLAT = `
  CREATE TABLE "flat" (LIKE "ChatMessage" INCLUDING DEFAULTS);
  INSERT INTO "flat" SELECT * FROM "ChatMessage";
  ALTER SEQUENCE "ChatMessage_id_seq" OWNED BY NONE;
  DROP TABLE "ChatMessage";
  ALTER TABLE "flat" RENAME TO "ChatMessage";
  ALTER SEQUENCE "ChatMessage_id_seq" OWNED BY "ChatMessage"."id";
  ALTER TABLE "ChatMessage" ADD PRIMARY KEY ("id"),
    ADD FOREIGN KEY ("clientId") REFERENCES "Client" ON UPDATE CASCADE ON DELETE RESTRICT,
    ADD FOREIGN KEY ("operatorId") REFERENCES "User" ON UPDATE CASCADE ON DELETE SET NULL`

describe('a partitioned table of messages', () => {
  test('is migrated, keeps every key once around midnight, and comes back from a rollback as it was', async ({
    database,
  }) => {
    await loadPartitioned(database)
    const before = await checksum(database, 'ChatMessage')
    const plan = JSON.parse(await done(database, 'migrate', '--dry-run', '--json')) as Plan
    const step = plan.steps.find(({ name }) => name === 'index-guest-username')
    const attach = (parent: string, child: string): string => `ALTER INDEX ${parent} ATTACH PARTITION "parts".${child}`
    const index = '"ChatMessage_guestUsername_createdAt_idx"'
    const body = '("guestUsername", "createdAt" DESC)'
    expect(step?.statements.slice(0, 3).map(({ sql }) => sql)).toEqual([
      `CREATE INDEX ${index} ON ONLY "ChatMessage" ${body}`,
      `CREATE INDEX CONCURRENTLY "ChatMessage_2026_01_guestUsername_createdAt_idx" ON "parts"."ChatMessage_2026_01" ${body}`,
      attach(index, '"ChatMessage_2026_01_guestUsername_createdAt_idx"'),
    ])
    await done(database, 'migrate')
    await done(database, 'verify')
    expect(await invalidIndexes(database)).toEqual([])

    const keys = Array.from({ length: 40 }, (_, key) => `key ${key}`)
    await withTwoStores(database, async (a, b) => {
      const saved = await Promise.all(
        keys.flatMap((idempotencyKey) => [
          a.saveChatMessage({ ...guest, text: idempotencyKey, idempotencyKey, createdAt: BEFORE_MIDNIGHT }),
          b.saveChatMessage({ ...guest, text: idempotencyKey, idempotencyKey, createdAt: AFTER_MIDNIGHT }),
        ]),
      )
      for (const key of keys) {
        const twins = saved.filter(({ idempotencyKey }) => idempotencyKey === key)
        expect(new Set(twins.map(({ id }) => id)).size, key).toBe(1)
        expect(twins.map(({ duplicate }) => duplicate).toSorted(), key).toEqual([false, true])
      }
      await expect(a.saveChatMessage({ ...guest, text: 'other', idempotencyKey: 'key 1' })).rejects.toMatchObject({
        code: 'idempotency_conflict',
      })
      const { messages } = await a.getChatHistory({ guestUsername: 'ada' })
      expect(messages.map(({ idempotencyKey }) => idempotencyKey).toSorted()).toEqual(keys.toSorted())
      const { chats } = await a.getRecentChats({ limit: 100 })
      expect(chats).toHaveLength(61)
      expect(chats.find(({ username }) => username === 'ada')?.unreadCount).toBe(40)
      expect(await a.markMessagesAsRead({ guestUsername: 'ada', operatorId: 1 })).toBe(40)
      await a.checkReady()
    })
    expect(await database.query(KEYS)).toHaveLength(40)
    await done(database, 'metrics')
    await done(database, 'verify')

    const [migrated, taken] = [await checksum(database, 'ChatMessage'), await database.query(KEYS)]
    await done(database, 'rollback', '--confirm', database.name)
    await done(database, 'verify', '--expect', 'rolled-back')
    expect(await database.query(`SELECT to_regclass('chatkeep.message_keys') AS "keys"`)).toEqual([{ keys: null }])
    await done(database, 'migrate')
    expect(await checksum(database, 'ChatMessage')).toEqual(migrated)
    expect(await database.query(KEYS)).toEqual(taken)
    await database.query(`DELETE FROM "ChatMessage" WHERE "guestUsername" = 'ada'`)
    const added = ['guestUsername', 'guestPhone', 'idempotencyKey', 'guestUnverified']
    expect(await checksum(database, 'ChatMessage', added)).toEqual(before)
  })

  test('is completed where an earlier run stopped, with partitions that came meanwhile', async ({ database }) => {
    await loadPartitioned(database)
    const body = '("guestUsername", "createdAt" DESC)'
    await database.load(`ALTER TABLE "ChatMessage" ADD COLUMN "guestUsername" text, ADD COLUMN "guestPhone" text;
      ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" DROP NOT NULL;
      CREATE INDEX "ChatMessage_guestUsername_createdAt_idx" ON ONLY "ChatMessage" ${body};
      CREATE INDEX "by_hand" ON "parts"."ChatMessage_2026_01" ${body};
      CREATE INDEX "broken" ON "parts"."ChatMessage_2026_02" ${body};
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"parts"."broken"'::regclass;
      CREATE TABLE "parts"."ChatMessage_2026_04" PARTITION OF "ChatMessage" FOR VALUES FROM ('2026-04-20') TO ('2026-05-01')`)
    await done(database, 'migrate')
    expect(await invalidIndexes(database)).toEqual([])
    expect(
      await database.query(`SELECT inhrelid::regclass::text AS "index" FROM pg_inherits
        WHERE inhrelid IN ('"parts"."by_hand"'::regclass, '"parts"."broken"'::regclass) ORDER BY 1`),
    ).toEqual([{ index: 'parts.broken' }, { index: 'parts.by_hand' }])
    await done(database, 'verify')
  })

  test.for([
    ['statements', 'runStatements'],
    ['transaction', 'runAtOnce'],
  ] as const)('is migrated by a script of %s', async ([form, run], { database }) => {
    await loadPartitioned(database)
    await SCRIPT_RUNNERS[run](database, await done(database, 'migrate', '--sql', form))
    await done(database, 'verify')
    await withStore(database, (store) => store.saveChatMessage({ ...guest, text: 'hello' }))
    await SCRIPT_RUNNERS[run](database, await done(database, 'rollback', '--sql', form))
    await done(database, 'verify', '--expect', 'rolled-back')
  })

  test('takes messages by the thousand, and leaves out those whose key is taken', async ({ database }) => {
    await loadPartitioned(database)
    await done(database, 'migrate')
    const message = (key: number): NewChatMessage => ({
      ...{ ...guest, text: `message ${key}`, idempotencyKey: `key ${key}`, createdAt: BEFORE_MIDNIGHT },
    })
    const first = await withStore(database, (store) => store.saveChatMessage(message(7)))
    const store = createBulkStore(toConnectionTarget(parseDatabaseUrl(database.url, 'test')), 'test')
    try {
      const all = Array.from({ length: 1_000 }, (_, key) => ({ ...message(key), createdAt: AFTER_MIDNIGHT }))
      const outcomes = await store.saveChatMessages([...all, { ...message(8), text: 'another' }])
      const saved = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      expect(saved).toHaveLength(1_000)
      expect(saved.filter(({ duplicate }) => duplicate).map(({ id }) => id)).toEqual([first.id])
      expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'idempotency_conflict' } })
    } finally {
      await store.close()
    }
    expect(await database.query(KEYS)).toHaveLength(1_000)
    expect(
      await database.query(
        `SELECT count(*)::integer AS "stored" FROM "ChatMessage" WHERE "idempotencyKey" IS NOT NULL`,
      ),
    ).toEqual([{ stored: 1_000 }])
  })

  test('answers for a message that went with its partition, and does not store it again', async ({ database }) => {
    await loadPartitioned(database)
    await done(database, 'migrate')
    await withStore(database, async (store) => {
      const message = { ...guest, text: 'old', idempotencyKey: 'old', createdAt: BEFORE_MIDNIGHT }
      const first = await store.saveChatMessage(message)
      await database.load(`DROP TABLE "parts"."ChatMessage_2026_01"`)
      const again = await store.saveChatMessage({ ...message, createdAt: AFTER_MIDNIGHT })
      expect([again.id, again.duplicate, again.createdAt]).toEqual([first.id, true, BEFORE_MIDNIGHT])
      await expect(store.saveChatMessage({ ...message, text: 'new' })).rejects.toMatchObject(CONFLICT)
      await expect(store.saveChatMessage({ ...message, guestUsername: 'bea' })).rejects.toMatchObject(CONFLICT)
      const ofClient = { ...operator, clientId: 1, idempotencyKey: 'client' }
      const second = await store.saveChatMessage({ ...ofClient, createdAt: AFTER_MIDNIGHT })
      await database.load(`DROP TABLE "parts"."ChatMessage_2026_02"`)
      await expect(store.saveChatMessage({ ...ofClient, clientId: 2 })).rejects.toMatchObject(CONFLICT)
      expect(await store.saveChatMessage(ofClient)).toMatchObject({ id: second.id, clientId: 1, duplicate: true })
    })
    await done(database, 'verify')
  })

  test('compares a resend with a message whose time was changed', async ({ database }) => {
    await loadPartitioned(database)
    await done(database, 'migrate')
    await withStore(database, async (store) => {
      const message = { ...guest, text: 'early', idempotencyKey: 'moved', createdAt: AFTER_MIDNIGHT }
      const first = await store.saveChatMessage(message)
      await database.query(`UPDATE "ChatMessage" SET "createdAt" = $1 WHERE "id" = $2`, ['2026-01-05', first.id])
      const again = await store.saveChatMessage(message)
      const createdAt = new Date('2026-01-05T00:00:00Z')
      expect(again).toMatchObject({ id: first.id, duplicate: true, createdAt })
      await expect(store.saveChatMessage({ ...message, text: 'other' })).rejects.toMatchObject(CONFLICT)
      await database.query(`UPDATE "ChatMessage" SET "text" = 'edited' WHERE "id" = $1`, [first.id])
      expect(await store.saveChatMessage({ ...message, text: 'edited' })).toMatchObject({ duplicate: true })
    })
  })

  test('without a partition for a message refuses it and no other, and blames the database', async ({ database }) => {
    await loadPartitioned(database)
    await done(database, 'migrate')
    await database.load(`DROP TABLE "parts"."ChatMessage_default"`)
    await withStore(database, async (store) => {
      const late = { ...guest, text: 'late', createdAt: new Date('2030-01-01') }
      const outcomes = await Promise.allSettled([
        store.saveChatMessage({ ...late, guestUsername: 'bea' }),
        store.saveChatMessage({ ...guest, text: 'early', createdAt: BEFORE_MIDNIGHT }),
        store.saveChatMessage({ ...late, guestUsername: 'cleo' }),
      ])
      const refused = { status: 'rejected', reason: { code: 'database_refused', blames: 'database' } }
      expect(outcomes).toMatchObject([refused, { status: 'fulfilled' }, refused])
    })
  })

  test('is noticed by a store that was open before', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await done(database, 'migrate')
    const store = createChatStore({ databaseUrl: database.url })
    try {
      await store.saveChatMessage({ ...guest, text: 'flat' })
      await partition(database)
      await expect(store.saveChatMessage({ ...guest, text: 'between' })).rejects.toMatchObject({
        code: 'schema_not_ready',
      })
      await done(database, 'migrate')
      const saved = await store.saveChatMessage({ ...guest, text: 'partitioned', idempotencyKey: 'k' })
      expect(await store.saveChatMessage({ ...guest, text: 'partitioned', idempotencyKey: 'k' })).toMatchObject({
        id: saved.id,
        duplicate: true,
      })
      await database.load(FLAT)
      await done(database, 'migrate')
      const flat = { ...guest, text: 'by another program', idempotencyKey: 'another' }
      await withStore(database, (other) => other.saveChatMessage(flat))
      expect(await store.saveChatMessage(flat)).toMatchObject({ duplicate: true })
    } finally {
      await store.close()
    }
  })

  test('is refused with a foreign table among its partitions', async ({ database }) => {
    await loadPartitioned(database)
    // With unique indexes or foreign keys the server takes no foreign partition.
    await database.load(`ALTER TABLE "ChatMessage" DROP CONSTRAINT "ChatMessage_pkey",
      DROP CONSTRAINT "ChatMessage_clientId_fkey", DROP CONSTRAINT "ChatMessage_operatorId_fkey"; CREATE FOREIGN DATA WRAPPER "nowhere"; CREATE SERVER "elsewhere" FOREIGN DATA WRAPPER "nowhere";
      CREATE FOREIGN TABLE "parts"."cold" PARTITION OF "ChatMessage" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
      SERVER "elsewhere"`)
    const { exitCode, stderr } = await on(database, 'migrate')
    expect(exitCode).toBe(5)
    expect(stderr).toContain('partition parts.cold of "ChatMessage" is a foreign table, on which no index can be built')
    expect(stderr).toContain('ALTER TABLE public."ChatMessage" DETACH PARTITION parts.cold')
    expect(await database.query(`SELECT to_regclass('chatkeep.migrations') AS history`)).toEqual([{ history: null }])
  })
})
