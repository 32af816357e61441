import { createReadBack } from '../../../src/replay/checking/read-back.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { dataOf } from '../../support/database-state.js'
import { findingsOf, verify } from '../../support/findings.js'
import { HAS_PSQL, SCRIPT_RUNNERS } from '../../support/run-script.js'
import { expectOk, rowIdOf, withChat } from '../../support/socket-chat.js'
import { SHOP } from '../../support/transcript.js'

const text = (body: string) => ({ senderType: 'CLIENT', messageType: 'TEXT', text: body }) as const

/** Three operators, three clients and six messages with ids below, at and above zero; two messages are a guest's without client, one is nobody's. */
const MIXED = `
  ALTER TABLE "User" ALTER COLUMN "id" TYPE smallint;
  ALTER TABLE "ChatMessage" ALTER COLUMN "operatorId" TYPE smallint;
  INSERT INTO "User" ("id", "updatedAt", "name", "username", "passwordHash", "isActive")
  SELECT id, now(), 'op', 'operator ' || id, 'x', id <> 0 FROM unnest(ARRAY[-7, 0, 7]) AS id;
  INSERT INTO "Client" ("id", "updatedAt", "username") SELECT id, now(), 'client ' || id FROM unnest(ARRAY[-5, 0, 5]) AS id;
  INSERT INTO "ChatMessage" ("id", "createdAt", "clientId", "guestUsername", "senderType", "messageType", "text")
  VALUES (-9, '2026-01-01', -5, NULL, 'CLIENT', 'TEXT', 'a'), (0, '2026-01-02', 0, NULL, 'CLIENT', 'TEXT', 'b'),
    (9, '2026-01-03', 5, NULL, 'CLIENT', 'TEXT', 'c'), (-8, '2026-01-04', NULL, 'unlinked', 'CLIENT', 'TEXT', 'd'),
    (8, '2026-01-05', NULL, 'unlinked', 'CLIENT', 'TEXT', 'e'), (-10, '2026-01-06', NULL, NULL, 'CLIENT', 'TEXT', 'f');
  ALTER SEQUENCE "User_id_seq" AS smallint MINVALUE -32768;
  ALTER SEQUENCE "Client_id_seq" MINVALUE -2147483648 CYCLE;
  ALTER SEQUENCE "ChatMessage_id_seq" MINVALUE -2147483648 CYCLE;
  SELECT setval('"User_id_seq"', 7), setval('"Client_id_seq"', 2147483646), setval('"ChatMessage_id_seq"', 2147483645)`

/** Rolls back and migrates again, and expects every row to be as before. */
const expectBackAndForth = async (database: TestDatabase, rollBack: () => Promise<unknown>): Promise<void> => {
  const before = await dataOf(database)
  await rollBack()
  expect(await on(database, 'migrate')).toMatchObject({ exitCode: 0 })
  expect(await dataOf(database)).toEqual(before)
}

const rollBack = async (database: TestDatabase): Promise<void> => {
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
}

describe('ids below, at and above zero, from sequences that go on with the smallest', () => {
  test('serve the store: order is that of time, and every id is taken back', async ({ database }) => {
    await migrated(database)
    await database.load(MIXED)
    await withStore(database, async (store) => {
      const saved = []
      for (const body of ['one', 'two', 'three', 'four'])
        saved.push(await store.saveChatMessage({ ...text(body), guestUsername: 'zoe', idempotencyKey: body }))
      const ids = saved.map(({ id }) => id)
      expect(ids).toEqual([2_147_483_646, 2_147_483_647, -2_147_483_648, -2_147_483_647])
      const [, second] = saved
      const clientId = second?.clientId ?? Number.NaN
      // Two of one moment are told apart by their ids.
      await database.query(`UPDATE "ChatMessage" SET "createdAt" = '2026-02-01' WHERE "text" IN ('three', 'four')`)
      await database.query(`UPDATE "ChatMessage" SET "createdAt" = '2026-01-31' WHERE "text" IN ('one', 'two')`)

      const backwards = []
      for (let before: string | undefined; ;) {
        const page = await store.getChatHistory({ clientId, limit: 1, before })
        backwards.unshift(...page.messages.map(({ id }) => id))
        if (page.nextBefore === null) break
        before = page.nextBefore
      }
      expect(backwards).toEqual(ids)
      const { nextAfter } = await store.getChatHistory({ guestUsername: 'zoe', limit: 1, before: undefined })
      expect(await store.getChatHistory({ guestUsername: 'zoe', after: nextAfter })).toMatchObject({
        messages: [],
      })

      expect(
        await store.saveChatMessage({ ...text('two'), guestUsername: 'zoe', idempotencyKey: 'two' }),
      ).toMatchObject({
        id: second?.id,
        duplicate: true,
      })
      const mark = { guestUsername: 'zoe', operatorId: -7 }
      expect(await store.markMessagesAsRead({ ...mark, upToMessageId: 12_345 })).toBe(0)
      expect(await store.markMessagesAsRead({ ...mark, upToMessageId: second?.id })).toBe(2)
      expect(await store.markMessagesAsRead({ clientId, operatorId: 0, upToMessageId: ids[2] })).toBe(1)
      expect(await store.markMessagesAsRead({ clientId: 0, operatorId: null, upToMessageId: 0 })).toBe(1)
      expect(await store.markMessagesAsRead({ sessionId: 'none', operatorId: 0, upToMessageId: -9 })).toBe(0)

      const first = await store.getRecentChats({ limit: 2 })
      const { chats } = await store.getRecentChats({ before: first.nextBefore ?? '' })
      expect([...first.chats, ...chats].map((chat) => [chat.clientId, chat.lastMessage.id, chat.unreadCount])).toEqual([
        [clientId, -2_147_483_647, 1],
        [null, 8, 2],
        [5, 9, 1],
        [0, 0, 0],
        [-5, -9, 1],
      ])
      expect(await store.getInactiveOperators([-7, 0, 7, 3_000_000_000])).toEqual([0])
      expect(
        await store.saveChatMessage({ ...text('x'), clientId: 0, senderType: 'OPERATOR', operatorId: -7 }),
      ).toMatchObject({
        clientId: 0,
      })
      // No row can have such an id: the message is kept without it.
      const beyond = { ...text('y'), clientId: 3_000_000_000, operatorId: 3_000_000_000, sessionId: 's' }
      expect(await store.saveChatMessage(beyond)).toMatchObject({ clientId: null })
      expect(await store.getChatHistory({ clientId: 3_000_000_000 })).toMatchObject({ messages: [] })
    })
  })

  test('serve every command, and a rollback brings them back', async ({ database }) => {
    await migrated(database)
    await database.load(MIXED)
    const { exitCode, stdout } = await on(database, 'verify', '--probe')
    expect(exitCode, stdout).toBe(0)
    const [sequence] = await database.query('SELECT last_value FROM "ChatMessage_id_seq"')
    await expectBackAndForth(database, () => rollBack(database))
    expect(await database.query('SELECT last_value FROM "ChatMessage_id_seq"')).toEqual([sequence])
    expect((await on(database, 'reconcile')).stdout).toContain('2 messages linked, 1 client created')
    // The sequence is in the negative half before the run, and goes on there.
    const replayed = await on(database, 'replay', SHOP)
    expect(replayed.stdout, replayed.stderr).toContain('14 messages attempted, 14 saved')
    expect((await on(database, 'replay', '--check-only', SHOP)).stdout).toContain('14')
    const earlier = await createReadBack(await database.client(), 'public').earlierIds()
    expect(earlier).toHaveLength(2)
    expect((await on(database, 'replay', '--scenario', 'guest-flow')).exitCode).toBe(0)
    expect(findingsOf(await verify(database)).map(({ code }) => code)).toEqual(['ownerless_messages'])
    if (HAS_PSQL) {
      const script = await on(database, 'rollback', '--sql', 'transaction')
      await expectBackAndForth(database, () => SCRIPT_RUNNERS.runInPsql(database, script.stdout))
    }
  })

  test('serve the socket', async ({ database }) => {
    await migrated(database)
    await database.load(MIXED)
    await withChat(database, {}, async ({ guest, operator }) => {
      const zoe = await guest('zoe')
      const ana = await operator('Ana', -7)
      const sent = []
      for (const message of ['one', 'two', 'three'])
        sent.push(expectOk(await zoe.ask('clientMessage', { type: 'text', message })))
      expect(sent.map(rowIdOf)).toEqual([2_147_483_646, 2_147_483_647, -2_147_483_648])
      const answer = { to: zoe.clientId, type: 'text', message: 'four' }
      expect(expectOk(await ana.ask('operatorMessage', answer)).id).toBe(-2_147_483_647)
      const page = expectOk(await zoe.ask('history', { limit: 2 }))
      const older = expectOk(await zoe.ask('history', { limit: 2, before: page.nextBefore }))
      expect([...older.messages, ...page.messages].map(({ text: body }) => body)).toEqual([
        'one',
        'two',
        'three',
        'four',
      ])
      const last = rowIdOf(sent[2] ?? { id: '' })
      expect(expectOk(await ana.ask('markRead', { clientId: zoe.clientId, upToMessageId: last }))).toMatchObject({
        marked: 3,
      })
      expect(expectOk(await ana.ask('history', { clientId: -5 })).messages).toMatchObject([{ id: -9, text: 'a' }])
      expect(expectOk(await ana.ask('history', { clientId: 0 })).messages).toMatchObject([{ id: 0, text: 'b' }])
    })
  })
})

/** Every id is a bigint; the sequences run downwards from far below zero and up to the last that a number holds. */
const BIG = `
  ALTER TABLE "User" ALTER COLUMN "id" TYPE bigint; ALTER TABLE "Client" ALTER COLUMN "id" TYPE bigint;
  ALTER TABLE "ChatMessage" ALTER COLUMN "id" TYPE bigint, ALTER COLUMN "clientId" TYPE bigint, ALTER COLUMN "operatorId" TYPE bigint;
  INSERT INTO "User" ("id", "updatedAt", "name", "username", "passwordHash") VALUES (9007199254740991, now(), 'Ana', 'ana', 'x');
  ALTER SEQUENCE "Client_id_seq" AS bigint INCREMENT -1 MINVALUE -9223372036854775808 START -9007199254700000 RESTART;
  ALTER SEQUENCE "ChatMessage_id_seq" AS bigint START 9007199254740900 RESTART`

test('bigint ids are numbers up to the last that is exact, and then a named error', async ({ database }) => {
  await migrated(database)
  await database.load(BIG)
  const replayed = await on(database, 'replay', SHOP)
  expect(replayed.stdout, replayed.stderr).toContain('14 messages attempted, 14 saved')
  expect((await on(database, 'verify', '--probe')).exitCode).toBe(0)
  await database.query(`SELECT setval('"ChatMessage_id_seq"', 9007199254740989)`)
  await withStore(database, async (store) => {
    const zoe = { guestUsername: 'zoe', operatorId: Number.MAX_SAFE_INTEGER }
    const [one, two] = [
      await store.saveChatMessage({ ...text('1'), ...zoe }),
      await store.saveChatMessage({ ...text('2'), ...zoe }),
    ]
    expect([one.id, two.id]).toEqual([Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER])
    expect(one.clientId).toBeLessThan(-9_007_199_254_700_000)
    const { messages, nextBefore } = await store.getChatHistory({ clientId: one.clientId ?? 0, limit: 1 })
    expect(messages).toMatchObject([{ id: two.id, operatorId: Number.MAX_SAFE_INTEGER }])
    expect((await store.getChatHistory({ guestUsername: 'zoe', before: nextBefore ?? '' })).messages).toHaveLength(1)
    expect(await store.markMessagesAsRead({ ...zoe, upToMessageId: two.id })).toBe(2)
    expect(await store.getInactiveOperators([Number.MAX_SAFE_INTEGER])).toEqual([])

    const third = { ...text('3'), ...zoe, idempotencyKey: 'third' }
    const tooLarge = { name: 'IdTooLarge', code: 'id_too_large', id: '9007199254740992', blames: 'database' }
    await expect(store.saveChatMessage(third)).rejects.toMatchObject(tooLarge)
    await expect(store.saveChatMessage(third)).rejects.toMatchObject(tooLarge)
    await expect(store.getChatHistory({ guestUsername: 'zoe' })).rejects.toMatchObject(tooLarge)
    await expect(store.getRecentChats()).rejects.toMatchObject(tooLarge)
    await expect(store.markMessagesAsRead({ ...zoe, upToMessageId: 2 ** 53 })).rejects.toMatchObject({
      code: 'invalid_message_id',
    })
  })
  expect(findingsOf(await verify(database, '--probe'))).toMatchObject([
    {
      code: 'id_too_large',
      object: '"ChatMessage"."id"',
      actual: '9,007,199,254,740,992: a number does not hold it exactly',
    },
    { code: 'id_too_large', object: expect.stringMatching(/^probe: a message of a guest without a name;/) as string },
  ])
  await expectBackAndForth(database, () => rollBack(database))
})

test('bigint ids reach the socket, page after page, and every report', async ({ database }) => {
  await migrated(database)
  await database.load(BIG)
  await withChat(database, {}, async ({ guest, operator }) => {
    const zoe = await guest('zoe')
    const ana = await operator('Ana', Number.MAX_SAFE_INTEGER)
    const sent = []
    for (const message of ['one', 'two', 'three'])
      sent.push(rowIdOf(expectOk(await zoe.ask('clientMessage', { type: 'text', message }))))
    expect(sent).toEqual([9_007_199_254_740_900, 9_007_199_254_740_901, 9_007_199_254_740_902])
    const answer = { to: zoe.clientId, type: 'text', message: 'four' }
    expect(expectOk(await ana.ask('operatorMessage', answer)).id).toBe(9_007_199_254_740_903)

    const { chats } = expectOk(await ana.ask('recentChats', { limit: 1 }))
    const clientId = chats[0]?.clientId
    expect(clientId).toBeLessThan(-9_007_199_254_699_999)
    expect(chats).toMatchObject([
      { lastMessage: { id: 9_007_199_254_740_903, operatorId: Number.MAX_SAFE_INTEGER }, unreadCount: 3 },
    ])
    const seen = []
    for (let before: string | undefined; ;) {
      const page = expectOk(
        await ana.ask('history', { clientId, limit: 1, ...(before === undefined ? {} : { before }) }),
      )
      seen.unshift(...page.messages.map(({ id }) => id))
      if (page.nextBefore === null) break
      before = page.nextBefore
    }
    expect(seen).toEqual([...sent, 9_007_199_254_740_903])
    expect(expectOk(await ana.ask('markRead', { clientId, upToMessageId: sent[1] })).marked).toBe(2)
  })
  await database.load(
    `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('ben', 'CLIENT', 'TEXT')`,
  )
  const metrics = await on(database, 'metrics', '--json')
  expect(metrics.exitCode, metrics.stderr).toBe(0)
  expect(JSON.parse(metrics.stdout)).toMatchObject({
    metrics: expect.arrayContaining([
      expect.objectContaining({ name: 'unread_messages', value: 2 }),
      expect.objectContaining({ name: 'messages_without_client', value: 1 }),
    ]) as unknown,
  })
  expect((await on(database, 'status')).stdout).toContain('2 unread')
  expect((await on(database, 'reconcile')).stdout).toContain('1 message linked, 1 client created')
  expect(findingsOf(await verify(database, '--probe'))).toEqual([])
})
