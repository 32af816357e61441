import pg from 'pg'
import { createChatStore } from '../../../src/index.js'
import { migrated, on } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

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
    ]
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({
        code: 'database_unavailable',
        retryable: true,
        message: expect.stringMatching(/no free connection in the pool \(max 1\) within \d+ m?s/) as string,
        hint: expect.stringContaining(HINT) as string,
      })
    expect(await store.saveChatMessage(message, { db: client })).toMatchObject({ duplicate: false })
    await client.query('COMMIT')
    client.release()
    await store.close()
    await pool.end()
  },
)

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
