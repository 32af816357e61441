import pg from 'pg'
import { createChatStore, type ChatStore } from '../../../src/index.js'
import { migrated, on } from '../../support/chat.js'
import { withProxy, type Tap, type Verdict } from '../../support/cuttable-proxy.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { until } from '../../support/until.js'

const HINT = 'inside a transaction, pass { db: client } to saveChatMessage'

test.for([
  ['as it is', {}, undefined],
  ['with a time-out of its own', { connectionTimeoutMillis: 750 }, undefined],
  ['with a deadline of the call', {}, 750],
] as const)(
  'a pool whose only connection the application’s transaction holds, %s: the error says so, and what to pass',
  async ([, options, deadlineMs], { database }) => {
    await migrated(database)
    const pool = new pg.Pool({ connectionString: database.url, max: 1, ...options })
    const store = createChatStore({ pool }, { deadlineMs: 1_500 })
    const client = await pool.connect()
    await client.query('BEGIN')
    const message = { ...textMessage('hello'), guestUsername: 'maria' }
    const calls = [
      () => store.saveChatMessage(message, { deadlineMs }),
      () => store.getChatHistory({ guestUsername: 'maria' }, { deadlineMs }),
      () => store.checkReady({ deadlineMs }),
    ]
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({
        code: 'database_unavailable',
        retryable: true,
        message: expect.stringMatching(/no free connection in the pool \(max 1\) within [\d.]+ m?s/) as string,
        hint: expect.stringContaining(HINT) as string,
      })
    expect(await store.saveChatMessage(message, { db: client })).toMatchObject({ duplicate: false })
    await client.query('COMMIT')
    client.release()
    await store.close()
    await pool.end()
  },
)

const NO_ANSWER = {
  code: 'database_unavailable',
  message: 'the database is unavailable: it did not answer in time',
  hint: expect.stringContaining('chatkeep status') as string,
}

const errorsOf = (calls: readonly Promise<unknown>[]): Promise<unknown[]> =>
  Promise.all(calls.map((call) => call.catch((error: unknown) => error)))

const callsOf = (store: ChatStore, deadlineMs?: number) => [
  store.saveChatMessage({ ...textMessage('hello'), guestUsername: 'maria' }, { deadlineMs }),
  store.getUnreadCount({ deadlineMs }),
  store.checkReady({ deadlineMs }),
]

/** Through a proxy that passes everything on, or drops it. */
const withTap = async (
  database: TestDatabase,
  work: (url: string, tap: (verdict: Verdict) => void) => Promise<void>,
): Promise<void> => {
  let verdict: Verdict = 'pass'
  const tap: Tap = { fromClient: () => verdict, fromServer: () => verdict }
  await withProxy(
    database.url,
    ({ url }) => work(url, (given) => void (verdict = given)),
    () => tap,
  )
}

test.for([
  ['of a caller with room', { max: 20 }],
  ['of a caller, full of connections that are being made', { max: 1 }],
  ['of a caller with a time-out of its own', { max: 1, connectionTimeoutMillis: 300 }],
  ['of the store', undefined],
] as const)('a server that does not answer is the reason, and not the pool %s', async ([, options], { database }) => {
  await withTap(database, async (url, tap) => {
    tap('drop')
    const pool = new pg.Pool({ connectionString: url, ...options })
    const source = options === undefined ? { databaseUrl: url } : { pool }
    const store = createChatStore(source, { deadlineMs: 1_200, maxConnections: 1 })
    const late: unknown = expect.objectContaining(NO_ANSWER)
    for (const deadlineMs of [undefined, 400, 100]) {
      expect(await errorsOf(callsOf(store, deadlineMs))).toEqual([late, late, late])
    }
    await store.close(0)
  })
})

test.for([1, 2])(
  'a silent server or a locked table is the reason, and not a warm pool of %s whose connections the store has',
  async (max, { database }) => {
    await migrated(database)
    await withTap(database, async (url, tap) => {
      const pool = new pg.Pool({ connectionString: url, max })
      const store = createChatStore({ pool }, { deadlineMs: 1_500 })
      const expectTrue = async (): Promise<void> => {
        const first = Array.from({ length: max }, () => store.getUnreadCount({ deadlineMs: 3_000 }))
        const errors = await errorsOf([...first, ...callsOf(store), ...callsOf(store, 300)])
        for (const error of errors) {
          expect(error).toMatchObject({ code: 'database_unavailable', hint: NO_ANSWER.hint })
          expect(error).not.toMatchObject({ message: expect.stringContaining('connection in the pool') as string })
        }
        expect(errors.at(-1)).toMatchObject(NO_ANSWER)
      }
      await Promise.all(Array.from({ length: max }, () => store.getUnreadCount()))
      const locker = await database.client()
      await locker.query('BEGIN; LOCK TABLE "ChatMessage"')
      await expectTrue()
      await locker.query('ROLLBACK')
      await Promise.all(Array.from({ length: max }, () => store.getUnreadCount()))
      tap('drop')
      await expectTrue()
      await store.close(0)
    })
  },
)

test.for(['of a caller', 'of the store'])(
  'a pool %s that its own slow calls have: the error says so, and after what time',
  async (whose, { database }) => {
    await migrated(database)
    await database.load(`
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END';
      CREATE TRIGGER slow BEFORE UPDATE ON "ChatMessage" FOR EACH STATEMENT EXECUTE FUNCTION slow()`)
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const source = whose === 'of the store' ? { databaseUrl: database.url } : { pool }
    const store = createChatStore(source, { maxConnections: 1 })
    let isOver = false
    const busy = Promise.all(
      Array.from({ length: 80 }, async (_, index) => {
        const query = { sessionId: `s${index}`, operatorId: null }
        while (!isOver) await store.markMessagesAsRead(query, { deadlineMs: 60_000 })
      }),
    )
    await until(
      () =>
        expect(store.getUnreadCount({ deadlineMs: 1_500 })).rejects.toMatchObject({
          code: 'database_unavailable',
          message: expect.stringContaining(
            'no free connection in the pool (max 1; calls of chatkeep have them all) within 1.5 s',
          ) as string,
          hint: expect.stringMatching(/chatkeep status.*fewer calls at once/s) as string,
        }),
      { what: 'it is said' },
    )
    isOver = true
    await busy
    await store.close()
    await pool.end()
  },
)

test('a server that no longer answers lets no commit wait', async ({ database }) => {
  await migrated(database)
  await withTap(database, async (url, tap) => {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    for (const store of [createChatStore({ databaseUrl: url }), createChatStore({ pool })]) {
      tap('pass')
      await store.checkReady()
      tap('drop')
      await expect(store.checkReady()).rejects.toMatchObject(NO_ANSWER)
      await store.close(0)
    }
  })
})

test('a pool that shows no connections: the error claims neither', async () => {
  const pool = {
    ...{ connect: () => new Promise<never>(() => undefined), options: { max: 1 } },
    ...{ totalCount: 1, idleCount: 0, waitingCount: 1 },
  }
  const store = createChatStore({ pool })
  const expected: unknown = expect.objectContaining({
    message: expect.stringMatching(/: the pool gave no connection within \d+ ms$/) as string,
    hint: 'see whether the database can be reached: chatkeep status',
  })
  expect(await errorsOf(callsOf(store, 50))).toEqual([expected, expected, expected])
  await store.close(0)
})

test('a pool instead of the client of a transaction is refused without waiting for a connection', async ({
  database,
}) => {
  await migrated(database)
  const pool = new pg.Pool({ connectionString: database.url, max: 1, connectionTimeoutMillis: 500 })
  const client = await pool.connect()
  const store = createChatStore({ databaseUrl: database.url })
  await client.query('BEGIN')
  const message = { ...textMessage('hello'), guestUsername: 'maria' }
  await expect(store.saveChatMessage(message, { db: pool })).rejects.toMatchObject({
    code: 'not_in_transaction',
    message: 'db is not in a transaction that can take the message: it is a pool',
    hint: expect.stringContaining('pass the client on which BEGIN was run') as string,
  })
  expect(pool.waitingCount).toBe(0)
  expect(await store.saveChatMessage(message, { db: client })).toMatchObject({ duplicate: false })
  await client.query('COMMIT')
  client.release()
  await store.close()
  await pool.end()
})

test('a guest’s client that another transaction is inserting: kept without, and linked by reconcile', async ({
  database,
}) => {
  await migrated(database)
  const client = await database.client()
  await client.query('BEGIN')
  await client.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('maria', now())`)
  const store = createChatStore({ databaseUrl: database.url })
  const saved = await store.saveChatMessage({ ...textMessage('hello'), guestUsername: 'maria' })
  expect(saved).toMatchObject({ clientId: null, duplicate: false })
  await client.query('COMMIT')
  expect((await on(database, 'reconcile')).stdout).toContain('ok: 1 message linked, 0 clients created')
  await store.close()
})
