import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import pg from 'pg'
import { createChatStore, type ChatStoreSource } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { until } from '../../support/until.js'

const guest = (text: string) => ({ ...textMessage(text), guestUsername: 'guest' })

const errorOf = async (source: ChatStoreSource): Promise<unknown> => {
  await using store = createChatStore(source, { deadlineMs: 0 })
  return await store.getUnreadCount().catch((error: unknown) => error)
}

describe('a database that cannot be used: the hint says where it was looked for, and what to do', () => {
  test('nothing listens there, or it is no PostgreSQL server', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const databaseUrl = `postgres://maria:secret-word@127.0.0.1:${port}/crm`
    const hint = `check host and port, and that the server runs: pg_isready -h 127.0.0.1 -p ${port}`
    expect(await errorOf({ databaseUrl })).toMatchObject({
      message: 'the database is unavailable: it is not a PostgreSQL server',
      hint,
    })
    server.close()
    await once(server, 'close')
    expect(await errorOf({ databaseUrl })).toMatchObject({
      message: 'the database is unavailable: nothing listens there',
      hint,
    })
    const two = await errorOf({ databaseUrl: `postgres://maria@127.0.0.1:${port},127.0.0.1:1/crm` })
    expect(two).toMatchObject({
      details: [`127.0.0.1:${port}: nothing listens there`, '127.0.0.1:1: nothing listens there'],
      hint,
    })
  })

  test('there is no such database', async ({ database }) => {
    const url = new URL(database.url)
    url.pathname = '/nowhere'
    expect(await errorOf({ databaseUrl: url.href })).toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('"nowhere"') as string,
      hint: `list the databases: psql -h ${url.hostname} -p ${url.port} -U ${url.username} -l`,
    })
  })
})

test('a statement that statement_timeout ended: the hint says where to look for the setting', async ({ database }) => {
  await migrated(database)
  const holder = await database.client()
  await holder.query('BEGIN; LOCK TABLE "ChatMessage"')
  await database.query(`ALTER DATABASE "${database.name}" SET statement_timeout = '100ms'`)
  const pool = new pg.Pool({ connectionString: database.url })
  for (const source of [{ databaseUrl: database.url }, { pool }])
    expect(await errorOf(source)).toMatchObject({
      code: 'database_unavailable',
      retryable: true,
      sqlState: '57014',
      hint: expect.stringMatching(/see where statement_timeout is set, .*: chatkeep doctor; then raise it/) as string,
    })
  const client = await pool.connect()
  await client.query('BEGIN')
  await using store = createChatStore({ databaseUrl: database.url })
  const save = store.saveChatMessage(guest('in a transaction'), { db: client })
  await expect(save).rejects.toMatchObject({
    hint: expect.stringMatching(/chatkeep doctor; .*; then roll the transaction back and repeat it/) as string,
  })
  client.release(true)
  await pool.end()
  await holder.query('ROLLBACK')
})

test('a setting makes sessions of a primary read-only: the hint has it beside a standby', async ({ database }) => {
  await migrated(database)
  await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only = on`)
  await using store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 0 })
  await expect(store.saveChatMessage(guest('read-only'))).rejects.toMatchObject({
    code: 'database_unavailable',
    sqlState: '25006',
    hint: expect.stringMatching(
      /^if it is a standby, name the primary server; or see where default_transaction_read_only is set, .*: chatkeep doctor$/,
    ) as string,
  })
})

test('the SQLSTATE of an unavailable database is that of what the server answered, not to our own cancel', async ({
  database,
}) => {
  await migrated(database)
  const holder = await database.client()
  await holder.query('BEGIN; LOCK TABLE "ChatMessage"')
  await using store = createChatStore({ databaseUrl: database.url })
  const late: unknown = await store.getUnreadCount({ deadlineMs: 200 }).catch((error: unknown) => error)
  expect(late).toMatchObject({ message: 'the database is unavailable: it did not answer in time' })
  expect(late).not.toHaveProperty('sqlState')
  await holder.query('ROLLBACK')
  const url = new URL(database.url)
  url.pathname = '/nowhere'
  expect(await errorOf({ databaseUrl: url.href })).toMatchObject({ sqlState: '3D000' })
})

const GONE = {
  name: 'StoreUnavailable',
  retryable: true,
  hint: 'the transaction is gone, and nothing of it is stored: repeat all of it, the message with the same idempotency key',
}

/** Begins a transaction. */
const beginOn = async (client: pg.Client): Promise<number | undefined> => {
  await client.query('BEGIN')
  return (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"')).rows[0]?.pid
}

describe('a db whose transaction can take nothing more: the hint is to repeat the transaction', () => {
  test('its connection was lost before the save', async ({ database }) => {
    await migrated(database)
    await using store = createChatStore({ databaseUrl: database.url })
    const client = await database.client()
    const pid = await beginOn(client)
    const ended = new Promise((resolve) => client.once('end', resolve))
    await database.query('SELECT pg_terminate_backend($1)', [pid])
    await ended
    await expect(store.saveChatMessage(guest('lost'), { db: client })).rejects.toMatchObject(GONE)
  })

  test('its connection was lost during the save', async ({ database }) => {
    await migrated(database)
    await using store = createChatStore({ databaseUrl: database.url })
    const [holder, client] = [await database.client(), await database.client()]
    await holder.query('BEGIN; LOCK TABLE "ChatMessage"')
    const pid = await beginOn(client)
    const lost = expect(store.saveChatMessage(guest('lost'), { db: client })).rejects.toMatchObject(GONE)
    const isWaiting = async (): Promise<boolean> =>
      (await database.query('SELECT FROM pg_locks WHERE NOT "granted" AND "pid" = $1', [pid])).length > 0
    await until(isWaiting, { what: 'the save waits for the table' })
    await database.query('SELECT pg_terminate_backend($1)', [pid])
    await lost
    await holder.query('ROLLBACK')
    expect(await database.query('SELECT FROM "ChatMessage"')).toEqual([])
  })

  test('an earlier statement has failed', async ({ database }) => {
    await migrated(database)
    await using store = createChatStore({ databaseUrl: database.url })
    const client = await database.client()
    await client.query('BEGIN')
    await client.query('SELECT 1/0').catch(() => undefined)
    await expect(store.saveChatMessage(guest('failed'), { db: client })).rejects.toMatchObject({
      code: 'not_in_transaction',
      hint: 'roll the transaction back and repeat it, the message with the same idempotency key',
    })
  })
})
