import type pg from 'pg'
import type { ChatStore, NewChatMessage, TransactionClient } from '../../src/index.js'
import { expect, type TestDatabase } from './database.js'
import { textMessage } from './load.js'

type Rows = readonly Record<string, unknown>[]

/** One transaction of a library, as an application has it. */
export interface OpenTransaction {
  /** What the application passes as `db`. */
  readonly db: TransactionClient
  /** A statement of the application's own. */
  readonly run: (sql: string) => Promise<Rows>
}

/** A library with which an application makes transactions. */
export interface TransactionLibrary {
  /** Commits when the work resolves, and rolls back when it throws. */
  readonly transaction: <T>(work: (open: OpenTransaction) => Promise<T>) => Promise<T>
  /** The same at the level REPEATABLE READ. */
  readonly repeatableRead: <T>(work: (open: OpenTransaction) => Promise<T>) => Promise<T>
  /** What an application passes by mistake: the library outside of a transaction. */
  readonly outside: TransactionClient
}

interface Contract {
  readonly library: TransactionLibrary
  readonly store: ChatStore
  readonly database: TestDatabase
}

const INSERT_CLIENT = (username: string): string =>
  `INSERT INTO "Client" ("username", "updatedAt") VALUES ('${username}', now()) RETURNING "id"::text AS "id"`

const message = (text: string, rest: Partial<NewChatMessage>): NewChatMessage => ({ ...textMessage(text), ...rest })

const stored = (database: TestDatabase, text: string): Promise<Rows> =>
  database.query(
    `SELECT m."clientId", m."guestUsername", c."username" FROM "ChatMessage" AS m LEFT JOIN "Client" AS c ON c."id" = m."clientId"
     WHERE m."text" = $1`,
    [text],
  )

class RolledBack extends Error {}

const rollingBack = (work: Promise<unknown>): Promise<void> => expect(work).rejects.toThrow(RolledBack)

/** What holds in the transaction of every library. */
export const TRANSACTION_CONTRACT: Readonly<Record<string, (contract: Contract) => Promise<void>>> = {
  'a message is linked to the client that the transaction has made, and committed with it': async (contract) => {
    const { library, store, database } = contract
    const saved = await library.transaction(async ({ db, run }) => {
      const [client] = await run(INSERT_CLIENT('committed'))
      const kept = await store.saveChatMessage(message('committed', { clientId: Number(client?.id) }), { db })
      expect(kept).toMatchObject({ clientId: Number(client?.id), duplicate: false, guestUnverified: false })
      expect(await stored(database, 'committed')).toEqual([])
      return kept
    })
    expect(saved.createdAt).toBeInstanceOf(Date)
    expect(await stored(database, 'committed')).toMatchObject([{ clientId: saved.clientId, username: 'committed' }])
  },

  'what is rolled back leaves no message and no guest’s client': async ({ library, store, database }) => {
    const work = library.transaction(async ({ db, run }) => {
      await run(INSERT_CLIENT('gone'))
      await store.saveChatMessage(message('gone', { guestUsername: 'gone' }), { db })
      const guest = await store.saveChatMessage(message('gone', { guestUsername: 'gone guest' }), { db })
      expect(guest).toMatchObject({ clientCreated: true, guestUnverified: false })
      expect(guest.clientId).not.toBeNull()
      throw new RolledBack()
    })
    await rollingBack(work)
    expect(await stored(database, 'gone')).toEqual([])
    expect(await database.query(`SELECT FROM "Client" WHERE "username" LIKE 'gone%'`)).toEqual([])
  },

  'a key is one message, and a conflict leaves the transaction usable': async ({ library, store, database }) => {
    const asked = message('what? a \\? $1 "quote"', { guestUsername: 'Jos\u00e9 ?', idempotencyKey: 'contract:1' })
    await library.transaction(async ({ db }) => {
      const first = await store.saveChatMessage(asked, { db })
      expect(await store.saveChatMessage(asked, { db })).toMatchObject({ id: first.id, duplicate: true })
      const other = store.saveChatMessage({ ...asked, text: 'other' }, { db })
      await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict', existingId: first.id })
      await store.saveChatMessage(message('after a conflict', { guestUsername: 'Jos\u00e9 ?' }), { db })
    })
    expect(await stored(database, asked.text ?? '')).toMatchObject([{ username: 'Jos\u00e9 ?' }])
    expect(await stored(database, 'after a conflict')).toHaveLength(1)
    expect(await store.saveChatMessage(asked)).toMatchObject({ duplicate: true })
  },

  'what the database rejects fails alone': async ({ library, store, database }) => {
    await library.transaction(async ({ db, run }) => {
      const refused = store.saveChatMessage(message('refused', { guestUsername: 'rejected' }), { db })
      await expect(refused).rejects.toMatchObject({ code: 'database_refused', blames: 'message', sqlState: '23514' })
      await run(INSERT_CLIENT('after'))
      const withoutOperator = message('operator', { senderType: 'OPERATOR', operatorId: 4711, guestUsername: 'after' })
      expect((await store.saveChatMessage(withoutOperator, { db })).clientId).not.toBeNull()
    })
    expect(await stored(database, 'refused')).toEqual([])
    expect(await stored(database, 'operator')).toMatchObject([{ username: 'after' }])
  },

  'outside of a transaction nothing is written': async ({ library, store, database }) => {
    const save = store.saveChatMessage(message('outside', { guestUsername: 'outside' }), { db: library.outside })
    await expect(save).rejects.toMatchObject({ code: 'not_in_transaction', retryable: false, blames: 'caller' })
    expect(await stored(database, 'outside')).toEqual([])
  },

  'after its end a transaction takes no message': async ({ library, store, database }) => {
    const ended = await library.transaction(({ db }) => Promise.resolve(db))
    const save = store.saveChatMessage(message('too late', { guestUsername: 'too late' }), { db: ended })
    await expect(save).rejects.toMatchObject({ code: 'not_in_transaction', retryable: false, blames: 'caller' })
    expect(await stored(database, 'too late')).toEqual([])
  },

  'settings stay the application’s': async ({ library, store }) => {
    await library.transaction(async ({ db, run }) => {
      await run(`SELECT set_config('lock_timeout', '7s', true), set_config('synchronous_commit', 'off', true)`)
      const settings = `SELECT "name", "setting" FROM pg_settings ORDER BY "name"`
      const before = await run(settings)
      await store.saveChatMessage(message('settings', { guestUsername: 'settings' }), { db })
      expect(await run(settings)).toEqual(before)
      expect(await run('SELECT "name" FROM pg_prepared_statements WHERE "name" LIKE \'chatkeep%\'')).toEqual([])
    })
  },

  'a key that was taken after the snapshot asks for the transaction to be repeated': async ({ library, store }) => {
    const asked = message('snapshot', { guestUsername: 'snapshot', idempotencyKey: 'contract:2' })
    const attempt = async (between: () => Promise<unknown>) =>
      library.repeatableRead(async ({ db, run }) => {
        await run('SELECT count(*)::text FROM "Client"')
        await between()
        return store.saveChatMessage(asked, { db })
      })
    await store.saveChatMessage(message('snapshot, earlier', { guestUsername: 'snapshot' }))
    const conflict = await attempt(() => store.saveChatMessage(asked)).catch((error: unknown) => error)
    expect(conflict).toMatchObject({ code: 'transaction_conflict', retryable: true, idempotencyKey: 'contract:2' })
    // No statement is in it, as a library may add it.
    expect((conflict as Error).message).toMatch(/^the transaction conflicts with another session: .{1,120}$/)
    expect(await attempt(() => Promise.resolve())).toMatchObject({ duplicate: true })
  },

  'a client that was renamed after the snapshot asks for it, too': async ({ library, store }) => {
    const { clientId } = await store.saveChatMessage(message('renamed', { guestUsername: 'renamed' }))
    const renamed = { clientId: clientId ?? -1, username: 'renamed since' }
    const attempt = library.repeatableRead(async ({ db, run }) => {
      await run('SELECT count(*)::text FROM "Client"')
      await store.renameClient(renamed)
      return store.saveChatMessage(message('snapshot of a name', { clientId, idempotencyKey: 'contract:3' }), { db })
    })
    await expect(attempt).rejects.toMatchObject({
      ...{ name: 'TransactionConflict', code: 'transaction_conflict', idempotencyKey: 'contract:3' },
    })
  },
}

/** What the database must have for the contract besides chatkeep's tables. */
export const CONTRACT_SQL = `ALTER TABLE "ChatMessage" ADD CHECK ("text" <> 'refused')`

/** A pool of `pg`. */
export const ofPg = (pool: pg.Pool): TransactionLibrary => {
  const begun = async <T>(begin: string, work: (open: OpenTransaction) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    try {
      await client.query(begin)
      const result = await work({
        db: client,
        run: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
      })
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
  return {
    transaction: (work) => begun('BEGIN', work),
    repeatableRead: (work) => begun('BEGIN ISOLATION LEVEL REPEATABLE READ', work),
    outside: pool,
  }
}
