import pg from 'pg'
import { createChatStore, StoreUnavailable, type ChatStore, type ChatStoreOptions } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

const message = { ...textMessage('Is anybody there?'), guestUsername: 'maria' }

const withPool = async (
  database: TestDatabase,
  { max = 1, hidden = [] }: { readonly max?: number; readonly hidden?: readonly string[] },
  work: (store: ChatStore, pool: pg.Pool) => Promise<void>,
  // One attempt.
  options: ChatStoreOptions = { deadlineMs: 0 },
): Promise<void> => {
  const pool = new pg.Pool({ connectionString: database.url, max })
  const store = createChatStore({ pool: withClientsWithout(pool, hidden) }, options)
  try {
    await work(store, pool)
  } finally {
    await store.close()
    await pool.end()
  }
}

/** A handler of the application that gives its connection back inside of a transaction. */
const forgetCommit = async (pool: pg.Pool, ...statements: readonly string[]): Promise<void> => {
  const client = await pool.connect()
  await client.query('BEGIN')
  for (const statement of statements) await client.query(statement).catch(() => undefined)
  client.release()
}

const INSERT = `INSERT INTO "Client" ("username", "updatedAt") VALUES ('of the application', now())`

/** What is committed. */
const stateOf = (database: TestDatabase): Promise<unknown> =>
  database.query(`SELECT (SELECT json_agg("username" ORDER BY "id") FROM "Client") AS "clients",
    (SELECT json_agg(json_build_array("text", "isRead") ORDER BY "id") FROM "ChatMessage") AS "messages"`)

const CALLS: Readonly<Record<string, (store: ChatStore) => Promise<unknown>>> = {
  saveChatMessage: (store) => store.saveChatMessage(message),
  getChatHistory: (store) => store.getChatHistory({ guestUsername: 'maria' }),
  getRecentChats: (store) => store.getRecentChats(),
  findChat: (store) => store.findChat('maria'),
  markMessagesAsRead: (store) => store.markMessagesAsRead({ guestUsername: 'maria', operatorId: null }),
  getUnreadCount: (store) => store.getUnreadCount(),
  renameClient: (store) => store.renameClient({ clientId: 1, username: 'ana' }),
  mergeClients: (store) => store.mergeClients({ from: 2, into: 1 }),
  editMessage: (store) => store.editMessage({ id: 1, text: 'edited' }),
  deleteMessage: (store) => store.deleteMessage({ id: 1 }),
  deleteMessagesBefore: (store) => store.deleteMessagesBefore(new Date(Date.now() - 1)),
  eraseContact: (store) => store.eraseContact({ clientIds: [1] }),
  checkReady: (store) => store.checkReady(),
}

const hiding = <T extends object>(target: T, hidden: readonly string[], more: Partial<T> = {}): T =>
  new Proxy(target, {
    get: (_, name) => {
      if (hidden.includes(String(name))) return undefined
      const value: unknown = Reflect.get(name in more ? more : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })

/** The pool, with clients that lack some of what pg's have. */
const withClientsWithout = (pool: pg.Pool, hidden: readonly string[]): pg.Pool =>
  hiding(pool, [], { connect: async () => hiding(await pool.connect(), hidden) })

describe.for([
  ['that keeps the status', []],
  ['of an earlier version of pg', ['getTransactionStatus']],
  ['that tells nothing of the protocol', ['getTransactionStatus', 'connection', 'readyForQuery']],
] as const)('with a client %s', ([, hidden]) => {
  test.for(['is open', 'has failed'])(
    'nothing is done or acknowledged in a transaction that %s',
    async (state, { database }) => {
      await migrated(database)
      await withPool(database, { hidden }, async (store, pool) => {
        await store.saveChatMessage(message)
        await store.saveChatMessage({ ...message, guestUsername: 'ana maria' })
        const before = await stateOf(database)
        await forgetCommit(pool, INSERT, ...(state === 'has failed' ? ['SELECT 1 / 0'] : []))
        for (const [name, call] of Object.entries(CALLS)) {
          const error: unknown = await call(store).catch((thrown: unknown) => thrown)
          expect(error, name).toBeInstanceOf(StoreUnavailable)
          expect(error, name).toMatchObject({ code: 'connection_in_transaction', retryable: true, blames: 'database' })
          expect(error, name).toHaveProperty('hint')
        }
        expect(await stateOf(database)).toEqual(before)
        // The transaction is the application's still.
        await pool.query('COMMIT')
        expect(await store.saveChatMessage(message)).toMatchObject({ duplicate: false })
        const clients = ['maria', 'ana maria', ...(state === 'is open' ? ['of the application'] : [])]
        expect(await stateOf(database)).toMatchObject([{ clients, messages: { length: 3 } }])
      })
    },
  )
})

test('another connection of the pool is taken, and the transaction goes on', async ({ database }) => {
  await migrated(database)
  await withPool(
    database,
    { max: 2 },
    async (store, pool) => {
      await forgetCommit(pool, INSERT)
      await Promise.all([1, 2, 3].map(() => store.saveChatMessage(message)))
      expect(await stateOf(database)).toMatchObject([{ clients: ['maria'], messages: { length: 3 } }])
      expect(await store.markMessagesAsRead({ guestUsername: 'maria', operatorId: null })).toBe(3)
      expect(await store.editMessage({ id: 1, text: 'edited' })).toMatchObject({ isRead: true })
      expect(pool.totalCount).toBe(2)
      const transactions = `SELECT state FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`
      expect(await database.query(transactions)).toEqual([{ state: 'idle in transaction' }])
    },
    {},
  )
})

test('a transaction that is ended meanwhile costs a save nothing but time', async ({ database }) => {
  await migrated(database)
  await withPool(
    database,
    {},
    async (store, pool) => {
      await forgetCommit(pool, INSERT)
      const saved = store.saveChatMessage(message)
      await pool.query('COMMIT')
      expect(await saved).toMatchObject({ duplicate: false })
      expect(await stateOf(database)).toMatchObject([{ clients: ['of the application', 'maria'] }])
    },
    {},
  )
})

test('a BEGIN that nobody waited for is noticed', async ({ database }) => {
  await migrated(database)
  await withPool(database, {}, async (store, pool) => {
    await store.checkReady()
    const client = await pool.connect()
    const begun = client.query('BEGIN')
    client.release()
    await expect(store.saveChatMessage(message)).rejects.toMatchObject({ code: 'connection_in_transaction' })
    await begun
    expect(await stateOf(database)).toMatchObject([{ messages: null }])
  })
})

test('a save is not acknowledged in a transaction that begins on its connection, and is then stored once', async ({
  database,
}) => {
  await migrated(database)
  await withPool(
    database,
    {},
    async (store, pool) => {
      await store.saveChatMessage(message)
      let begun: Promise<unknown> | undefined
      pool.once('acquire', (client: pg.PoolClient) => {
        const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
        let before = 'I'
        const onReady = ({ status }: { readonly status: string }): void => {
          // The guest's client is committed, the message is next: on a connection that the application has given back.
          if (before === 'T' && status === 'I') {
            connection.off('readyForQuery', onReady)
            queueMicrotask(() => {
              begun = client.query('BEGIN')
            })
          }
          before = status
        }
        connection.prependListener('readyForQuery', onReady)
      })
      await store.saveChatMessage({ ...message, guestUsername: 'ana', idempotencyKey: 'key' })
      expect(begun).toBeDefined()
      await begun
      expect(await stateOf(database)).toMatchObject([{ clients: ['maria', 'ana'], messages: { length: 2 } }])
    },
    {},
  )
})
