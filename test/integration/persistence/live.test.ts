import pg from 'pg'
import { createChatStore, type ChatMessage, type ChatStore, type MessageSubscription } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage } from '../../support/load.js'
import { loadPartitioned } from '../../support/partitioned.js'
import { findPgBouncer, withPooler } from '../../support/pooler.js'
import { until } from '../../support/until.js'

const text = (body: string, key?: string) =>
  ({ ...textMessage(body), sessionId: 's', idempotencyKey: key ?? `key of ${body}` }) as const

const INSERT = `INSERT INTO "ChatMessage" ("sessionId", "senderType", "messageType", "text") VALUES ('s', 'OPERATOR', 'TEXT', $1)`

/** A subscription, and what it delivered and reported. */
const listen = async (
  store: ChatStore,
  options: { readonly since?: string | undefined; readonly pollMs?: number } = {},
) => {
  const texts: string[] = []
  const errors: unknown[] = []
  const cursors: string[] = []
  const subscription = await store.onMessage(
    (message, { cursor }) => {
      texts.push(message.text ?? '')
      cursors.push(cursor)
    },
    { ...options, onError: (error) => errors.push(error) },
  )
  const heard = (...expected: readonly string[]) =>
    until(() => expect(texts).toEqual(expected), { what: `${expected.join()} are delivered` })
  return { subscription, texts, errors, cursors, heard }
}

test('each message is delivered once, after its commit, whoever stored it', async ({ database }) => {
  await migrated(database)
  await withStore(database, (store) =>
    withStore(database, async (other) => {
      await store.saveChatMessage(text('before'))
      const { heard, texts, errors } = await listen(store, { pollMs: 50 })
      const all: string[] = []
      const stored = async (body: string, save: () => Promise<unknown>): Promise<void> => {
        await save()
        all.push(body)
        await heard(...all)
      }
      await stored('own', () => store.saveChatMessage(text('own')))
      expect((await store.saveChatMessage(text('own'))).duplicate).toBe(true)
      await stored('of another', () => other.saveChatMessage(text('of another')))
      await stored('old', () => other.saveChatMessage({ ...text('old'), createdAt: new Date('2020-01-01') }))
      await stored('of SQL', () => database.query(INSERT, ['of SQL']))

      const client = await database.client()
      await client.query('BEGIN')
      await store.saveChatMessage(text('of a transaction'), { db: client })
      await stored('later', () => store.saveChatMessage(text('later')))
      await stored('of a transaction', () => client.query('COMMIT'))
      await client.query('BEGIN')
      await store.saveChatMessage(text('taken back'), { db: client })
      await client.query('ROLLBACK')
      await stored('last', () => store.saveChatMessage(text('last')))
      expect(texts).toEqual(all)
      expect(errors).toEqual([])
    }),
  )
})

test('a message is delivered whose transaction was open when the subscription began, in a table of any kind', async ({
  database,
}) => {
  await loadPartitioned(database)
  expect((await on(database, 'migrate')).exitCode).toBe(0)
  await withStore(database, async (store) => {
    await store.saveChatMessage(text('before'))
    const open = await database.client()
    await open.query('BEGIN')
    await open.query(INSERT, ['open'])
    const { heard } = await listen(store, { pollMs: 20 })
    await store.saveChatMessage(text('new'))
    await heard('new')
    await open.query('COMMIT')
    await heard('new', 'open')
  })
})

test('a cursor continues in another process behind what was handled, without a gap and without a repetition', async ({
  database,
}) => {
  await migrated(database)
  const open = await database.client()
  const { since, within } = await withStore(database, async (store) => {
    const { subscription, cursors, heard } = await listen(store)
    await open.query('BEGIN')
    await open.query(INSERT, ['open'])
    for (const body of ['a', 'b', 'c']) await store.saveChatMessage(text(body))
    await heard('a', 'b', 'c')
    await subscription.close()
    await store.saveChatMessage(text('meanwhile'))
    return { since: subscription.cursor, within: cursors[0] }
  })
  await withStore(database, async (store) => {
    const { heard } = await listen(store, { since })
    await heard('meanwhile')
    await open.query('COMMIT')
    await heard('meanwhile', 'open')
    const again = await listen(store, { since: within })
    await again.heard('open', 'b', 'c', 'meanwhile')
    // Of another database.
    await expect(listen(store, { since: 'live1~zzzz~~~~' })).rejects.toMatchObject({ code: 'invalid_cursor' })
    await expect(listen(store, { since: 'x' })).rejects.toMatchObject({ code: 'invalid_cursor' })
  })
})

test('a listener that fails is reported with its message, and breaks neither the save nor what follows', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const reports: unknown[] = []
    const onError = (error: unknown, message?: ChatMessage) => reports.push([(error as Error).message, message?.text])
    await store.onMessage(
      (message) => {
        throw new Error(`no ${message.text}`)
      },
      { onError },
    )
    await store.onMessage((message) => Promise.reject(new Error(`later ${message.text}`)), { onError })
    await store.saveChatMessage(text('a'))
    await store.saveChatMessage(text('b'))
    await until(() => reports.length === 4, { what: 'all are reported' })
    expect(reports).toEqual(
      expect.arrayContaining([
        ['no a', 'a'],
        ['later a', 'a'],
        ['no b', 'b'],
        ['later b', 'b'],
      ]),
    )
  })
})

test('a listener may save, close and be slow, with a pool of one connection', async ({ database }) => {
  await migrated(database)
  const pool = new pg.Pool({ connectionString: database.url, max: 1 })
  const store = createChatStore({ pool })
  const errors: unknown[] = []
  const texts: string[] = []
  let running = 0
  let most = 0
  const subscription: MessageSubscription = await store.onMessage(
    async ({ text: body }) => {
      texts.push(body ?? '')
      most = Math.max(most, (running += 1))
      if (body === 'question') await store.saveChatMessage(text('answer'))
      if (body === 'end') await subscription.close()
      running -= 1
    },
    { onError: (error) => errors.push(error) },
  )
  for (const body of ['question', 'end']) await store.saveChatMessage(text(body))
  await until(() => texts.length === 3 || (texts.length === 2 && texts[1] === 'end'), { what: 'the end is delivered' })
  await store.saveChatMessage(text('unheard'))

  // The store waits for a listener that is running, and its calls end.
  let isDone = false
  let proceed: () => void = () => undefined
  const waiting = new Promise<void>((resolve) => (proceed = resolve))
  let isHeard = false
  await store.onMessage(
    async () => {
      isHeard = true
      await waiting
      isDone = true
    },
    { onError: (error) => errors.push(error) },
  )
  await store.saveChatMessage(text('slow'))
  await until(() => isHeard, { what: 'the slow listener is called' })
  const closed = store.close().then(() => isDone)
  proceed()
  expect(await closed).toBe(true)
  await expect(store.onMessage(() => undefined, { onError: () => undefined })).rejects.toMatchObject({
    name: 'StoreClosed',
  })
  await pool.end()
  expect(texts).not.toContain('unheard')
  expect([most, errors]).toEqual([1, []])
})

test('a signal ends a subscription, and options that are wrong are refused', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const controller = new AbortController()
    const heard: unknown[] = []
    const onError = (): void => undefined
    await store.onMessage(({ text: body }) => void heard.push(body), { onError, signal: controller.signal })
    await store.saveChatMessage(text('a'))
    await until(() => heard.length === 1, { what: 'it is delivered' })
    controller.abort()
    await store.saveChatMessage(text('b'))
    const wrong = [
      [{}, 'onError is undefined, but must be a function'],
      [{ onError, poll: 1 }, 'unknown option "poll"; did you mean pollMs?'],
      [{ onError, pollMs: 1 }, 'pollMs is 1, but must be a whole number from 20 to 2147483647'],
    ] as const
    for (const [options, message] of wrong)
      await expect(
        store.onMessage(() => undefined, options as never),
        message,
      ).rejects.toMatchObject({
        ...{ name: 'InvalidCall', message },
      })
    await expect(store.onMessage('no' as never, { onError })).rejects.toThrow('the listener is a string')
    await expect(store.onMessage(() => undefined, { onError, signal: controller.signal })).rejects.toThrow('aborted')
    expect(heard).toEqual(['a'])
  })
})

const follow = (store: ChatStore) => store.onMessage(() => undefined, { onError: () => undefined, deadlineMs: 0 })

test('a role that may only read is enough; one that may not, and ids without an order, are refused with a reason', async ({
  database,
}) => {
  await migrated(database)
  await withLimitedRole(database, async ({ name, url }) => {
    await withStore({ ...database, url }, async (reader) => {
      await expect(follow(reader)).rejects.toMatchObject({ name: 'DatabaseRefused', sqlState: '42501' })
      await database.query(`GRANT SELECT ON "ChatMessage" TO ${name}`)
      const { heard } = await listen(reader, { pollMs: 20 })
      await database.query(INSERT, ['a'])
      await heard('a')
      // The last one is gone, and the next has a larger id.
      await database.query('DELETE FROM "ChatMessage"')
      await database.query(INSERT, ['b'])
      await heard('a', 'b')
    })
  })
  await withStore(database, async (store) => {
    await database.query('ALTER SEQUENCE "ChatMessage_id_seq" CACHE 10')
    await expect(follow(store)).rejects.toMatchObject({
      code: 'ids_not_in_order',
      message:
        'new messages cannot be followed: each session takes 10 ids of the sequence public."ChatMessage_id_seq" at a time, and uses them later',
      hint: expect.stringContaining('ALTER SEQUENCE public."ChatMessage_id_seq" CACHE 1;') as string,
    })
    await database.query('ALTER TABLE "ChatMessage" ALTER "id" SET DEFAULT (random() * 1000000)::integer')
    await expect(follow(store)).rejects.toMatchObject({
      code: 'ids_not_in_order',
      message: expect.stringContaining('come from no sequence') as string,
    })
  })
})

test('ids may be counted down, lie ahead of the sequence, and begin anew, which is reported', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const { heard, errors } = await listen(store, { pollMs: 20 })
    await database.query(
      `INSERT INTO "ChatMessage" ("id", "senderType", "messageType", "text") VALUES (2147483000, 'CLIENT', 'TEXT', 'restored')`,
    )
    await store.saveChatMessage(text('a'))
    await heard('a')
    await database.query('ALTER SEQUENCE "ChatMessage_id_seq" MINVALUE -2147483648 RESTART -2147483648')
    await until(() => errors.length === 1, { what: 'it is reported' })
    expect(errors).toMatchObject([{ code: 'ids_went_back' }])
    await store.saveChatMessage(text('b'))
    await heard('a', 'b')
  })
  await database.query('ALTER SEQUENCE "ChatMessage_id_seq" INCREMENT -1 RESTART -5')
  await withStore(database, async (store) => {
    const { heard, errors } = await listen(store)
    for (const body of ['c', 'd']) await store.saveChatMessage(text(body))
    await heard('c', 'd')
    expect(errors).toEqual([])
  })
})

const pgBouncer = findPgBouncer()
test.skipIf(pgBouncer === undefined)(
  'behind a pooler that shares sessions it polls, and says so once',
  async ({ database }) => {
    await migrated(database)
    await withPooler({ path: pgBouncer?.path ?? '', database }, (pooled: TestDatabase) =>
      withStore(pooled, async (store) => {
        const { heard, errors } = await listen(store, { pollMs: 50 })
        await until(() => errors.length > 0, { what: 'it is reported' })
        await database.query(INSERT, ['of SQL'])
        await store.saveChatMessage(text('own'))
        await until(() => heard('of SQL', 'own'), { what: 'both' })
        expect(errors).toMatchObject([{ code: 'polling_only' }])
      }),
    )
  },
)
