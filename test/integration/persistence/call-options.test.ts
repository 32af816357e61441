import { getEventListeners } from 'node:events'
import type pg from 'pg'
import { createChatStore, type ChatStore, type ChatStoreOptions } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { until } from '../../support/until.js'

const RUNNING = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chatkeep' AND state <> 'idle'`

const message = { ...textMessage('Is anybody there?'), guestUsername: 'maria', idempotencyKey: 'key 1' }

const LONG: ChatStoreOptions = { maxConnections: 1, deadlineMs: 120_000 }

/** Runs the work while another session holds the table of messages. */
const whileLocked = async (
  database: TestDatabase,
  work: (store: ChatStore, holder: pg.Client) => Promise<void>,
  options: ChatStoreOptions = LONG,
): Promise<void> => {
  const store = createChatStore({ databaseUrl: database.url }, options)
  try {
    await store.checkReady()
    const holder = await database.client()
    try {
      await holder.query('BEGIN; LOCK TABLE "ChatMessage"')
      await work(store, holder)
    } finally {
      await holder.query('ROLLBACK')
    }
  } finally {
    await store.close()
  }
}

const isWaiting = async (database: TestDatabase): Promise<boolean> =>
  (await database.query(`${RUNNING} AND wait_event_type = 'Lock'`)).length === 1

test('a signal ends a read at once, and its statement in the server', async ({ database }) => {
  await migrated(database)
  await whileLocked(database, async (store) => {
    const abort = new AbortController()
    const reads = [
      store.getChatHistory({ guestUsername: 'maria' }, { signal: abort.signal }),
      store.getRecentChats({}, { signal: abort.signal }),
    ].map((read) => read.catch((error: unknown) => error))
    await until(() => isWaiting(database), { what: 'the statement waits for the lock' })
    const reason = new Error('the visitor is gone')
    const began = performance.now()
    abort.abort(reason)
    expect(await Promise.all(reads)).toEqual([reason, reason])
    expect(performance.now() - began).toBeLessThan(60_000)
    await until(async () => (await database.query(RUNNING)).length === 0, { what: 'the statement is cancelled' })
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await expect(store.findChat(1, { signal: abort.signal })).rejects.toBe(reason)
  })
})

test('a save that was aborted on its way may be stored, one behind it in the queue is not', async ({ database }) => {
  await migrated(database)
  await whileLocked(database, async (store) => {
    const abort = new AbortController()
    const sent = store.saveChatMessage(message, { signal: abort.signal }).catch((error: unknown) => error)
    await until(() => isWaiting(database), { what: 'the statement waits for the lock' })
    const queued = store
      .saveChatMessage({ ...message, idempotencyKey: 'key 2' }, { signal: abort.signal })
      .catch((error: unknown) => error)
    const reason = new Error('the visitor is gone')
    abort.abort(reason)
    expect(await sent).toMatchObject({
      code: 'database_unavailable',
      idempotencyKey: 'key 1',
      cause: reason,
    })
    expect(await queued).toBe(reason)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    expect(store.getLoad().queue).toEqual({ messages: 0, bytes: 0 })
  })
  expect(await database.query(`SELECT FROM "ChatMessage" WHERE "idempotencyKey" = 'key 2'`)).toEqual([])
})

const sessionsOf = async (database: TestDatabase): Promise<readonly number[]> => {
  const rows = await database.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chatkeep' ORDER BY pid`,
  )
  return rows.map(({ pid }) => pid)
}

test.for(['read', 'change', 'save'] as const)(
  'a %s that is aborted leaves its session to others',
  async (kind, { database }) => {
    await migrated(database)
    await whileLocked(
      database,
      async (store, holder) => {
        const before = await sessionsOf(database)
        const calls = {
          read: (signal: AbortSignal) => store.getRecentChats({}, { signal }),
          change: (signal: AbortSignal) =>
            store.markMessagesAsRead({ guestUsername: 'maria', operatorId: 1 }, { signal }),
          save: (signal: AbortSignal) => store.saveChatMessage(message, { signal }),
        }
        for (let round = 0; round < 3; round += 1) {
          const abort = new AbortController()
          const call = calls[kind](abort.signal).catch((error: unknown) => error)
          await until(() => isWaiting(database), { what: 'the statement waits for the lock' })
          abort.abort()
          expect(await call).toBeInstanceOf(Error)
        }
        // At once: what is given up may still wind up, and must not end what others do.
        const others = [store.getRecentChats(), store.saveChatMessage({ ...message, idempotencyKey: 'key 2' })]
        await holder.query('ROLLBACK')
        await Promise.all(others)
        expect(await sessionsOf(database)).toEqual(before)
      },
      LONG,
    )
  },
)

test('aborted calls that end soon cancel nothing and close nothing', async ({ database }) => {
  await migrated(database)
  const store = createChatStore({ databaseUrl: database.url }, { maxConnections: 1 })
  await store.checkReady()
  const before = await sessionsOf(database)
  for (let round = 0; round < 20; round += 1) {
    const abort = new AbortController()
    const { signal } = abort
    const given = { ...message, idempotencyKey: `key ${round}` }
    const aborted = Promise.allSettled([store.saveChatMessage(given, { signal }), store.getRecentChats({}, { signal })])
    setImmediate(() => abort.abort())
    const others = [store.getRecentChats(), store.saveChatMessage({ ...message, idempotencyKey: `other ${round}` })]
    await Promise.all(others)
    await aborted
  }
  expect(await sessionsOf(database)).toEqual(before)
  await store.close()
})

test("a deadline of a call is that call's alone", async ({ database }) => {
  await migrated(database)
  await whileLocked(database, async (store) => {
    const began = performance.now()
    const late = { code: 'database_unavailable' }
    await expect(store.getChatHistory({ guestUsername: 'maria' }, { deadlineMs: 200 })).rejects.toMatchObject(late)
    await expect(store.saveChatMessage(message, { deadlineMs: 200 })).rejects.toMatchObject({
      ...late,
      idempotencyKey: 'key 1',
    })
    expect(performance.now() - began).toBeLessThan(60_000)
  })
})

test('options of a call are refused by name', async ({ database }) => {
  const store = createChatStore({ databaseUrl: database.url })
  const refused = { name: 'InvalidCall', code: 'invalid_option' }
  await expect(store.getRecentChats({}, { deadlineMs: -1 })).rejects.toMatchObject(refused)
  const misspelt = Object.assign({ deadlineMs: undefined }, { deadlineMS: 5 })
  await expect(store.saveChatMessage(message, misspelt)).rejects.toMatchObject({
    ...refused,
    message: 'unknown option "deadlineMS"; did you mean deadlineMs?',
  })
  await expect(store.deleteMessagesBefore(new Date(0), { batchSize: 0 })).rejects.toMatchObject(refused)
  await store.close()
})

test('a store is closed at the end of the block that uses it', async ({ database }) => {
  await migrated(database)
  const { store, load } = await (async () => {
    await using store = createChatStore({ databaseUrl: database.url })
    await store.checkReady()
    return { store, load: store.getLoad().pool.total }
  })()
  expect(load).toBeGreaterThan(0)
  await expect(store.getRecentChats()).rejects.toMatchObject({ code: 'store_closed' })
  expect(store.getLoad().pool.total).toBe(0)
})

// The store's own time is long, so that only the end of the call can end the statement.
test.for(['signal', 'deadline'])('a save that its %s ends is cancelled in the server', async (by, { database }) => {
  await migrated(database)
  await whileLocked(
    database,
    async (store) => {
      const abort = new AbortController()
      const saved = store
        .saveChatMessage(message, by === 'signal' ? { signal: abort.signal } : { deadlineMs: 500 })
        .catch((error: unknown) => error)
      if (by === 'signal') {
        await until(() => isWaiting(database), { what: 'the statement waits for the lock' })
        abort.abort()
      }
      expect(await saved).toMatchObject({ code: 'database_unavailable', idempotencyKey: 'key 1' })
      await until(async () => (await database.query(RUNNING)).length === 0, { what: 'the statement is cancelled' })
      expect(store.getLoad()).toMatchObject({ queue: { messages: 0 }, abandoned: 0 })
    },
    LONG,
  )
})

test('a save that is given up goes on for the others of its batch', async ({ database }) => {
  await migrated(database)
  await whileLocked(
    database,
    async (store, holder) => {
      const abort = new AbortController()
      const inChat = (sessionId: string, idempotencyKey: string) => ({
        ...textMessage('hi'),
        sessionId,
        idempotencyKey,
      })
      const aborted = store
        .saveChatMessage(inChat('a', 'key 1'), { signal: abort.signal })
        .catch((error: unknown) => error)
      const other = store.saveChatMessage(inChat('b', 'key 2'))
      await until(() => isWaiting(database), { what: 'the statement waits for the lock' })
      abort.abort()
      expect(await aborted).toMatchObject({ code: 'database_unavailable' })
      // Behind what was given up, which may still be stored.
      const next = store.saveChatMessage(inChat('a', 'key 3'))
      expect(await isWaiting(database)).toBe(true)
      await holder.query('COMMIT')
      expect(await other).toMatchObject({ duplicate: false })
      expect(await next).toMatchObject({ duplicate: false })
      const { messages } = await store.getChatHistory({ sessionId: 'a' })
      expect(messages.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['key 1', 'key 3'])
    },
    LONG,
  )
})

test('a proof of readiness that is given up early says how long it took', async ({ database }) => {
  await migrated(database)
  await whileLocked(database, async (store) => {
    await expect(store.checkReady({ deadlineMs: 100 })).rejects.toThrow(/a commit has been waiting for [1-9]\d* m?s/)
  })
})
