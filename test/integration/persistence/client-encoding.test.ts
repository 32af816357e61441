import pg from 'pg'
import { createChatStore, InvalidCall, StoreUnavailable, type ChatStore } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { transcriptLine, writeInput } from '../../support/transcript.js'

const TEXT = 'caf\u00e9, 5 \u20ac'
const message = { ...textMessage(TEXT), guestUsername: 'jos\u00e9' }

const REFUSED = {
  ...{ code: 'client_encoding_not_utf8', retryable: true, blames: 'database' },
  hint: expect.stringContaining('leave client_encoding at UTF8') as string,
}

const withPool = async (
  database: TestDatabase,
  config: pg.PoolConfig,
  work: (store: ChatStore, pool: pg.Pool) => Promise<void>,
  forStore: (pool: pg.Pool) => pg.Pool = (pool) => pool,
): Promise<void> => {
  const pool = new pg.Pool({ connectionString: database.url, ...config })
  // One attempt.
  const store = createChatStore({ pool: forStore(pool) }, { deadlineMs: 0 })
  try {
    await work(store, pool)
  } finally {
    await store.close()
    await pool.end()
  }
}

/** The texts as the server has them. */
const textsIn = async (database: TestDatabase): Promise<readonly unknown[]> =>
  (await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')).map(({ text }) => text)

/** Without what pg's clients tell of the protocol, as one of another kind. */
const silent = (pool: pg.Pool): pg.Pool => {
  const hiding = <T extends object>(target: T, more: object): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(name in more ? more : target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  const nothing = { getTransactionStatus: undefined, connection: undefined, readyForQuery: undefined }
  return hiding(pool, { connect: async () => hiding(await pool.connect(), nothing) })
}

test.for([
  ['of pg', (pool: pg.Pool) => pool],
  ['that tells nothing of the protocol', silent],
] as const)(
  'in a session of another encoding nothing is stored, by a client %s',
  async ([, forStore], { database }) => {
    await migrated(database)
    await withPool(
      database,
      { max: 1 },
      async (store, pool) => {
        await store.saveChatMessage(message)
        await pool.query(`SET client_encoding = 'LATIN1'`)
        for (const call of [
          () => store.saveChatMessage(message),
          () => store.getChatHistory({ guestUsername: 'jos\u00e9' }),
          () => store.checkReady(),
        ]) {
          const error: unknown = await call().catch((thrown: unknown) => thrown)
          expect(error).toBeInstanceOf(StoreUnavailable)
          expect(error).toMatchObject(REFUSED)
          expect(String(error)).toContain('client_encoding LATIN1')
        }
        // The session stays as the application has it.
        expect((await pool.query('SHOW client_encoding')).rows).toEqual([{ client_encoding: 'LATIN1' }])
        await pool.query('RESET client_encoding')
        await store.saveChatMessage(message)
        expect(await textsIn(database)).toEqual([TEXT, TEXT])
      },
      forStore,
    )
  },
)

test('a pool whose connections all begin with another encoding is refused, and one of them alone is not used', async ({
  database,
}) => {
  await migrated(database)
  await withPool(database, { max: 2 }, async (store, pool) => {
    const odd = await pool.connect()
    await odd.query(`SET client_encoding = 'WIN1252'`)
    odd.release()
    // It may have to wait until there is another.
    await store.saveChatMessage(message, { deadlineMs: 10_000 })
    expect(await textsIn(database)).toEqual([TEXT])
  })
  await withPool(database, { max: 2 }, async (store, pool) => {
    pool.on('connect', (client) => {
      client.query(`SET client_encoding = 'WIN1252'`).catch(() => undefined)
    })
    await expect(store.saveChatMessage(message)).rejects.toMatchObject(REFUSED)
    expect(await textsIn(database)).toEqual([TEXT])
  })
})

test('in a transaction of a session of another encoding nothing is stored, and it goes on', async ({ database }) => {
  await migrated(database)
  await withPool(database, {}, async (store, pool) => {
    const client = await pool.connect()
    await client.query(`BEGIN; SET LOCAL client_encoding = 'LATIN1'`)
    const error: unknown = await store.saveChatMessage(message, { db: client }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InvalidCall)
    expect(error).toMatchObject({
      code: 'invalid_option',
      message: 'the session of db has client_encoding LATIN1, not UTF8',
      hint: REFUSED.hint,
    })
    expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '0' }])
    await client.query(`SET LOCAL client_encoding = 'UTF8'`)
    await store.saveChatMessage(message, { db: client })
    await client.query('COMMIT')
    client.release()
    expect(await textsIn(database)).toEqual([TEXT])
  })
})

test('what role, database, options and environment say of the encoding changes nothing', async ({ database }) => {
  await migrated(database)
  await database.query(`ALTER DATABASE "${database.name}" SET client_encoding = 'LATIN1'`)
  const withOptions = new URL(database.url)
  withOptions.searchParams.set('options', '-c client_encoding=LATIN1')
  const url = withOptions.href.replaceAll('+', '%20')
  await withPool(database, { connectionString: url }, async (store) => {
    await store.saveChatMessage(message)
  })
  await using store = createChatStore({ databaseUrl: url })
  await store.saveChatMessage(message)
  const file = await writeInput(transcriptLine({ conversation: 'other', text: TEXT }))
  const env = { PGCLIENTENCODING: 'LATIN1', PGOPTIONS: '-c client_encoding=LATIN1' }
  const replayed = await runChatkeep(['replay', file, '--database-url', url], { env })
  expect(replayed.exitCode, replayed.stdout + replayed.stderr).toBe(0)
  expect(await textsIn(database)).toEqual([TEXT, TEXT, TEXT])
  expect(await database.query(`SELECT DISTINCT pg_catalog.char_length("text") AS "length" FROM "ChatMessage"`)).toEqual(
    [{ length: TEXT.length }],
  )
})
