import pg from 'pg'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { expect, test, vi } from '../../support/database.js'
import { untilRows } from '../../support/until.js'

const shouted = (text: string | Buffer): string => `parsed by the application: ${String(text)}`

const refused = (text: string | Buffer): never => {
  throw new TypeError(`no value like ${String(text)} in this application`)
}

const {
  BOOL,
  INT2,
  INT4,
  INT8,
  OID,
  FLOAT8,
  TEXT,
  VARCHAR,
  JSON: JSON_TYPE,
  JSONB,
  TIMESTAMP,
  TIMESTAMPTZ,
  NUMERIC,
} = pg.types.builtins
const OIDS = [BOOL, INT2, INT4, INT8, OID, FLOAT8, TEXT, VARCHAR, JSON_TYPE, JSONB, TIMESTAMP, TIMESTAMPTZ, NUMERIC]

/** The second message of a database, in a transaction of the application's. */
const expectSavedInTransaction = async (store: ChatStore, pool: pg.Pool, message: NewChatMessage): Promise<void> => {
  const client = await pool.connect()
  await client.query('BEGIN')
  const saved = await store.saveChatMessage(message, { db: client })
  await client.query('COMMIT')
  client.release()
  expect(saved).toMatchObject({ id: 2, clientId: 2, clientCreated: true, guestUnverified: false })
  expect(saved.createdAt).toBeInstanceOf(Date)
}

const LISTENS = `SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'chatkeep live' AND query LIKE 'LISTEN %'`

test.for([
  ['of the process', 'a caller', shouted],
  ['of the process', 'the store', shouted],
  ['of the process', 'the store', refused],
  ['of the pool', 'a caller', shouted],
] as const)(
  'type parsers %s change nothing that a store returns with a pool of %s',
  async ([whose, owner, parse], { database }) => {
    await migrated(database)
    const before = OIDS.map((oid) => [oid, pg.types.getTypeParser(oid)] as const)
    // A parser for every type, as applications with a date library or BigInt set some.
    if (whose === 'of the process') for (const oid of OIDS) pg.types.setTypeParser(oid, parse)
    const types = { getTypeParser: () => shouted }
    const pool = new pg.Pool({ connectionString: database.url, ...(whose === 'of the pool' ? { types } : {}) })
    // The database is dropped while its connections end.
    pool.on('error', () => undefined)
    const onPromotion = vi.fn()
    const url = new URL(database.url)
    // Its sessions are asked what they are.
    url.searchParams.set('target_session_attrs', 'read-write')
    const store = createChatStore(owner === 'a caller' ? { pool } : { databaseUrl: url.href }, { onPromotion })
    try {
      const message = {
        senderType: 'CLIENT',
        messageType: 'TEXT',
        text: 'hello',
        guestUsername: 'maria',
        idempotencyKey: 'k',
      } as const
      await store.checkReady()
      const saved = await store.saveChatMessage(message)
      expect(saved).toMatchObject({ id: 1, clientId: 1, duplicate: false, clientCreated: true, guestUnverified: false })
      expect(saved.createdAt).toBeInstanceOf(Date)
      expect(await store.saveChatMessage(message)).toMatchObject({ id: 1, duplicate: true })
      const { messages, nextAfter } = await store.getChatHistory({ guestUsername: 'maria' })
      expect(messages).toMatchObject([
        { id: 1, createdAt: saved.createdAt, isRead: false, text: 'hello', readAt: null },
      ])
      expect(await store.getChatHistory({ guestUsername: 'maria', after: nextAfter })).toMatchObject({ messages: [] })
      expect(await store.getRecentChats()).toMatchObject({
        chats: [{ clientId: 1, unreadCount: 1, conversations: [] }],
      })
      expect(await store.findChat('maria')).toMatchObject({ clientId: 1, guestUsername: 'maria' })
      expect(await store.editMessage({ id: 1, text: 'hi' })).toMatchObject({ id: 1, text: 'hi' })
      expect(await store.renameClient({ clientId: 1, username: 'ana' })).toMatchObject({ formerUsername: 'maria' })
      expect(await store.markMessagesAsRead({ clientId: 1, operatorId: null })).toBe(1)
      expect(await store.deleteMessage({ id: 1 })).toBe(true)
      await expectSavedInTransaction(store, pool, { ...message, guestUsername: 'eva', idempotencyKey: 'k2' })
      // On more than one connection.
      expect(await Promise.all(Array.from({ length: 6 }, () => store.getUnreadCount()))).toEqual([1, 1, 1, 1, 1, 1])
      if (owner === 'the store') {
        await store.onMessage(() => undefined, { onError: (error) => refused(String(error)) })
        await untilRows(database, LISTENS, { what: 'the store listens' })
        expect(store.getLoad().timeline).toBeGreaterThan(0)
      }
      expect(onPromotion).not.toHaveBeenCalled()
    } finally {
      for (const [oid, parser] of before) pg.types.setTypeParser(oid, parser as typeof shouted)
      await store.close()
      await pool.end()
    }
  },
)

const DEFAULTS = { binary: true, parseInt8: true, parseInputDatesAsUTC: true, fallback_application_name: 'shop' }

test.for(['of the store', 'of a caller'] as const)(
  'pg.defaults change nothing in a pool %s',
  async (whose, { database }) => {
    await migrated(database)
    const defaults = pg.defaults as unknown as Record<string, unknown>
    const before = { ...defaults }
    const int8Parser = pg.types.getTypeParser(INT8) as typeof shouted
    Object.assign(defaults, DEFAULTS)
    const pool = new pg.Pool({
      connectionString: database.url,
      ...(whose === 'of a caller' ? { binary: true } : {}),
    })
    // The database is dropped while its connections end.
    pool.on('error', () => undefined)
    const store = createChatStore(whose === 'of a caller' ? { pool } : { databaseUrl: database.url })
    try {
      const createdAt = new Date('2026-03-29T01:30:00.123Z')
      const message = {
        senderType: 'CLIENT',
        messageType: 'TEXT',
        text: 'hello',
        guestUsername: 'maria',
        idempotencyKey: 'k',
        createdAt,
      } as const
      await store.checkReady()
      expect(await store.saveChatMessage(message)).toMatchObject({ id: 1, clientId: 1, createdAt, duplicate: false })
      expect(await store.saveChatMessage(message)).toMatchObject({ id: 1, createdAt, duplicate: true })
      const { messages, nextAfter } = await store.getChatHistory({ guestUsername: 'maria' })
      expect(messages).toMatchObject([{ id: 1, createdAt, isRead: false, text: 'hello', readAt: null }])
      expect(await store.getChatHistory({ guestUsername: 'maria', after: nextAfter })).toMatchObject({ messages: [] })
      expect(await store.getRecentChats()).toMatchObject({ chats: [{ clientId: 1, unreadCount: 1 }] })
      expect(await store.getUnreadCount()).toBe(1)
      expect(await store.editMessage({ id: 1, text: 'hi' })).toMatchObject({ id: 1, text: 'hi', createdAt })
      expect(await store.markMessagesAsRead({ clientId: 1, operatorId: null })).toBe(1)
      expect(await store.deleteMessage({ id: 1 })).toBe(true)
      await expectSavedInTransaction(store, pool, { ...message, guestUsername: 'eva', idempotencyKey: 'k2' })
    } finally {
      for (const name of Object.keys(defaults)) if (!(name in before)) Reflect.deleteProperty(defaults, name)
      Object.assign(defaults, before)
      pg.types.setTypeParser(INT8, int8Parser)
      await store.close()
      await pool.end()
    }
  },
)

test('a transaction whose rows arrive changed is refused by what changes, and stores nothing', async ({ database }) => {
  await migrated(database)
  const client = await database.client({ types: { getTypeParser: () => shouted } })
  const store = createChatStore({ databaseUrl: database.url })
  const message = { senderType: 'CLIENT', messageType: 'TEXT', text: 'hello', guestUsername: 'maria' } as const
  try {
    await client.query('BEGIN')
    const plain = await database.client()
    await plain.query(`BEGIN; SET LOCAL lock_timeout = '7s'`)
    const changesNumbers = {
      query: async (text: string, values?: unknown[]) => {
        const { rows } = await plain.query<Record<string, unknown>>(text, values)
        return { rows: rows.map((row) => ({ ...row, integer: '1' })) }
      },
    }
    await expect(store.saveChatMessage(message, { db: changesNumbers })).rejects.toMatchObject({
      message: "the transaction's rows arrive changed: integer",
    })
    expect((await plain.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '7s' }])
    await plain.query('COMMIT')
    // As the transaction of a query builder is: not a client of pg.
    const parsed = { query: (text: string, values?: unknown[]) => client.query(text, values) }
    await expect(store.saveChatMessage(message, { db: parsed })).rejects.toMatchObject({
      name: 'InvalidCall',
      code: 'invalid_option',
      message: "the transaction's rows arrive changed: boolean, integer, bigint, text",
    })
    const without = {
      query: async (text: string, values?: unknown[]) => ({ ...(await client.query(text, values)), rows: [undefined] }),
    }
    await expect(store.saveChatMessage(message, { db: without })).rejects.toMatchObject({ code: 'invalid_option' })
    await client.query('COMMIT')
    expect(await database.query('SELECT FROM "ChatMessage"')).toEqual([])
  } finally {
    await store.close()
  }
})

test('the first save in a transaction of a query builder sends no more statements than the others', async ({
  database,
}) => {
  await migrated(database)
  await using store = createChatStore({ databaseUrl: database.url })
  const client = await database.client()
  await client.query('BEGIN')
  let sent = 0
  const db = {
    query: (text: string, values?: unknown[]) => {
      sent += 1
      return client.query<object>(text, values)
    },
  }
  const message = { senderType: 'CLIENT', messageType: 'TEXT', text: 'hello', sessionId: 's' } as const
  const counts: number[] = []
  for (let n = 0; n < 2; n += 1) {
    const before = sent
    await store.saveChatMessage(message, { db })
    counts.push(sent - before)
  }
  expect(counts).toEqual([counts[1], counts[1]])
  await client.query('COMMIT')
})
