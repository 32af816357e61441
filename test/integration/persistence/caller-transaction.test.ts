import pg from 'pg'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated, on } from '../../support/chat.js'
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  test,
  createDatabase,
  type TestDatabase,
} from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { CONTRACT_SQL, ofPg, TRANSACTION_CONTRACT } from '../../support/transaction-contract.js'
import { until } from '../../support/until.js'

let created: Awaited<ReturnType<typeof createDatabase>>
let database: TestDatabase
let store: ChatStore
let pool: pg.Pool

beforeAll(async () => {
  created = await createDatabase()
  database = created.database
  await migrated(database)
  await database.load(CONTRACT_SQL)
  pool = new pg.Pool({ connectionString: database.url, max: 3 })
  store = createChatStore({ databaseUrl: database.url })
})

afterAll(async () => {
  await store.close()
  await pool.end()
  await created.close()
  await created.drop()
})

const guest = (text: string, guestUsername = 'guest'): NewChatMessage => ({ ...textMessage(text), guestUsername })

const clientOf = async (text: string): Promise<unknown> =>
  (await database.query(`SELECT "clientId" FROM "ChatMessage" WHERE "text" = $1`, [text]))[0]?.clientId

describe('in a transaction of pg', () => {
  test.for(Object.entries(TRANSACTION_CONTRACT))('%s', ([, holds]) => holds({ library: ofPg(pool), store, database }))

  test('calls at the same time take turns, and each has its own outcome', async () => {
    await ofPg(pool).transaction(async ({ db }) => {
      const texts = ['turn 1', 'refused', 'turn 2', 'refused', 'turn 3']
      const saves = await Promise.allSettled(texts.map((text) => store.saveChatMessage(guest(text), { db })))
      expect(saves.map(({ status }) => status)).toEqual(
        texts.map((text) => (text === 'refused' ? 'rejected' : 'fulfilled')),
      )
    })
    for (const text of ['turn 1', 'turn 2', 'turn 3']) expect(await clientOf(text)).toEqual(expect.any(Number))
  })

  test('a signal that fires while the transaction is busy: nothing is stored, and the transaction goes on', async () => {
    const [other, client] = [await database.client(), await database.client()]
    await other.query('SELECT pg_advisory_lock(7)')
    await client.query('BEGIN')
    const own = client.query('SELECT pg_advisory_xact_lock(7)')
    const abort = new AbortController()
    const reason = new Error('the visitor is gone')
    let isAsked = false
    const db = {
      query: (text: string, values?: unknown[]) => {
        isAsked = true
        return client.query<object>(text, values)
      },
    }
    const save = store.saveChatMessage(guest('aborted'), { db, signal: abort.signal })
    const refused = expect(save).rejects.toBe(reason)
    await until(() => isAsked, { what: 'the first statement is queued' })
    abort.abort(reason)
    await other.query('SELECT pg_advisory_unlock(7)')
    await own
    await refused
    expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '0' }])
    expect(await store.saveChatMessage(guest('after it'), { db: client })).toMatchObject({ duplicate: false })
    await client.query('COMMIT')
    expect(await database.query(`SELECT FROM "ChatMessage" WHERE "text" = 'aborted'`)).toEqual([])
  })

  test('after an error of the application’s own the answer says that the transaction has failed', async () => {
    const client = await database.client()
    await client.query('BEGIN')
    await client.query('SELECT 1/0').catch(() => undefined)
    const save = store.saveChatMessage(guest('failed'), { db: client })
    await expect(save).rejects.toMatchObject({
      code: 'not_in_transaction',
      message: expect.stringContaining('failed') as string,
    })
  })

  test('a pool that was ended, and what gives no rows, is refused by name', async () => {
    const ended = new pg.Pool({ connectionString: database.url })
    await ended.end()
    const save = store.saveChatMessage(guest('ended'), { db: ended })
    await expect(save).rejects.toMatchObject({ name: 'NotInTransaction', code: 'not_in_transaction' })
    for (const answer of [undefined, null, [], {}, { rows: 1 }]) {
      const odd = { query: () => Promise.resolve(answer) } as unknown as pg.Client
      const message = 'db is not a client of pg, or one of the adapters: its query gave no rows'
      await expect(store.saveChatMessage(guest('odd'), { db: odd })).rejects.toMatchObject({
        name: 'InvalidCall',
        message,
      })
    }
    await using ofEnded = createChatStore({ pool: ended })
    const calls = [
      () => ofEnded.saveChatMessage(guest('ended')),
      () => ofEnded.getRecentChats(),
      () => ofEnded.checkReady(),
      () => ofEnded.eraseContact({ usernames: ['guest'] }),
    ]
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({
        name: 'StoreClosed',
        message: 'the pool that the store was given has been ended',
      })
    expect(await clientOf('ended')).toBeUndefined()
  })

  test('what another transaction holds is waited for a second; a guest’s message is then stored without client', async () => {
    const [other, client] = [await database.client(), await database.client()]
    await other.query('BEGIN')
    await client.query(`BEGIN; SET LOCAL lock_timeout = '50ms'`)
    const held = { ...guest('held key'), idempotencyKey: 'held key' }
    await store.saveChatMessage(held, { db: other })
    await store.saveChatMessage(guest('first of a guest', 'new guest'), { db: other })
    const taken = store.saveChatMessage({ ...held }, { db: client })
    await expect(taken).rejects.toMatchObject({
      code: 'lock_not_available',
      message: 'another transaction holds the idempotency key "held key"',
      retryable: true,
      idempotencyKey: 'held key',
    })
    // Not the application's own time-out, but ours.
    await client.query('SET LOCAL lock_timeout = 0')
    expect(await store.saveChatMessage(guest('second of a guest', 'new guest'), { db: client })).toMatchObject({
      clientId: null,
    })
    await other.query('COMMIT')
    expect(await store.saveChatMessage(held, { db: client })).toMatchObject({ duplicate: true })
    expect(await store.saveChatMessage(guest('third of a guest', 'new guest'), { db: client })).toMatchObject({
      clientId: await clientOf('first of a guest'),
      guestUnverified: false,
    })
    await client.query('COMMIT')
    expect(await clientOf('second of a guest')).toBeNull()
    expect((await on(database, 'reconcile')).exitCode).toBe(0)
    expect(await clientOf('second of a guest')).toBe(await clientOf('first of a guest'))
  })

  test('a held key and a new guest are waited for once, and the time-out is the application’s again', async () => {
    const [other, client] = [await database.client(), await database.client()]
    await other.query('BEGIN')
    const held = { ...guest('key that is held', 'guest of a held key'), idempotencyKey: 'key that is held' }
    await store.saveChatMessage({ ...held, guestUsername: 'guest' }, { db: other })
    await client.query('BEGIN')
    const timeout = async (): Promise<string | undefined> =>
      (await client.query<{ lock_timeout: string }>('SHOW lock_timeout')).rows[0]?.lock_timeout
    const timeouts: unknown[] = []
    const db = {
      query: async (text: string, values?: unknown[]) => {
        if (text.includes('AS m (')) timeouts.push(await timeout())
        return client.query<object>(text, values)
      },
    }
    await expect(store.saveChatMessage(held, { db })).rejects.toMatchObject({ code: 'lock_not_available' })
    // Without client, with the client that was made, and without one again after the wait.
    expect(timeouts).toEqual(['1s', '1s', '10ms'])
    expect(await timeout()).toBe('0')
    await client.query('ROLLBACK')
    await other.query('ROLLBACK')
  })

  test('a read-only transaction is not one to save in, and the database is not unavailable', async () => {
    const client = await database.client()
    await client.query('BEGIN READ ONLY')
    const error: unknown = await store
      .saveChatMessage(guest('read-only'), { db: client })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'not_in_transaction',
      retryable: false,
      message: expect.stringContaining('the transaction is read-only') as string,
    })
    expect(error).toMatchObject({ hint: expect.stringContaining('READ WRITE') as string })
    // On a server that is read-only, another server may take the transaction.
    for (const text of ['ROLLBACK', 'SET default_transaction_read_only = on', 'BEGIN']) await client.query(text)
    await expect(store.saveChatMessage(guest('read-only'), { db: client })).rejects.toMatchObject({
      code: 'database_unavailable',
      retryable: true,
    })
    await client.query('ROLLBACK')
  })
})
