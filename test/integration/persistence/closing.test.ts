import { EventEmitter } from 'node:events'
import pg from 'pg'
import { createChatStore, StoreUnavailable, type ChatStore } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { until } from '../../support/until.js'

const message = { ...textMessage('Is anybody there?'), guestUsername: 'maria', idempotencyKey: 'key 1' }

const WAITING = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

const untilWaiting = (database: TestDatabase, sessions: number): Promise<unknown> =>
  until(async () => (await database.query(WAITING)).length === sessions, {
    what: `${sessions} sessions wait for the lock`,
  })

const withHolder = async (database: TestDatabase, work: (holder: pg.Client) => Promise<void>): Promise<void> => {
  const holder = await database.client()
  await holder.query('BEGIN; LOCK TABLE "ChatMessage"')
  await work(holder).finally(() => holder.query('ROLLBACK'))
}

describe('close with a time', () => {
  test.for([NaN, -1, -Infinity, '', '5', [], {}, null, new Date(0), Symbol('5'), 5n])(
    'of %s is refused, and the store goes on',
    async (patience, { database }) => {
      await migrated(database)
      await withStore(database, async (store) => {
        await expect(store.close(patience as number)).rejects.toMatchObject({
          code: 'invalid_option',
          message: expect.stringContaining('patienceMs') as string,
        })
        await store.checkReady()
      })
    },
  )

  test.for([Infinity, 2 ** 31, 60_000.5])('of %s ms waits for the calls', async (patience, { database }) => {
    await migrated(database)
    const store = createChatStore({ databaseUrl: database.url })
    await store.checkReady()
    await withHolder(database, async (holder) => {
      const saved = store.saveChatMessage(message)
      await untilWaiting(database, 1)
      const closed = store.close(patience)
      await holder.query('ROLLBACK')
      expect(await saved).toMatchObject({ duplicate: false })
      await closed
    })
  })

  test.for(['own', 'application'] as const)(
    'ends calls in the server and says that the store was closed: pool of the %s',
    async (whose, { database }) => {
      await migrated(database)
      const pool = new pg.Pool({ connectionString: database.url })
      const store: ChatStore = createChatStore(whose === 'own' ? { databaseUrl: database.url } : { pool }, {
        deadlineMs: 120_000,
      })
      await store.checkReady()
      await withHolder(database, async () => {
        const calls = [
          store.saveChatMessage(message),
          store.getChatHistory({ guestUsername: 'maria' }),
          store.editMessage({ id: 1, text: 'edited' }),
        ].map((call) => call.catch((error: unknown) => error))
        await untilWaiting(database, 3)
        calls.push(store.checkReady().catch((error: unknown) => error))
        await store.close(0)
        for (const error of await Promise.all(calls)) {
          expect(error).toBeInstanceOf(StoreUnavailable)
          expect(error).toMatchObject({ code: 'store_closed', retryable: true })
          expect((error as Error).message).not.toContain('the database is unavailable')
        }
        expect((await calls[0]) as object).toHaveProperty('idempotencyKey', 'key 1')
        const words = await Promise.all(calls.map(async (call) => String(await call)))
        expect(words).toEqual([
          expect.stringMatching(/before the save was answered; the message may be stored$/),
          // Nothing is changed by it.
          expect.stringMatching(/before the read was answered$/),
          expect.stringMatching(/before the change was answered; it may have been made, or a part of it$/),
          expect.stringMatching(/before the read was answered$/),
        ])
        await untilWaiting(database, 0)
      })
      await pool.end()
    },
  )
})

test('a call that another session holds up to its deadline says how to find out who', async ({ database }) => {
  await migrated(database)
  const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 2_000 })
  const { id, clientId } = await store.saveChatMessage(message)
  const holder = await database.client()
  await holder.query('BEGIN; LOCK TABLE "Client", "ChatMessage"')
  for (const call of [
    () => store.renameClient({ clientId: clientId ?? 0, username: 'ana' }),
    () => store.mergeClients({ from: clientId ?? 0, into: 7 }),
    () => store.editMessage({ id, text: 'edited' }),
    () => store.eraseContact({ usernames: ['maria'] }),
  ])
    await expect(call()).rejects.toMatchObject({
      exitCode: 4,
      hint: expect.stringContaining('see who holds it') as string,
    })
  for (const call of [
    () => store.getChatHistory({ clientId: clientId ?? 0 }),
    () => store.getRecentChats(),
    () => store.saveChatMessage(message),
  ])
    await expect(call()).rejects.toMatchObject({
      hint: expect.stringMatching(/who holds a lock: chatkeep status/) as string,
    })
  await holder.query('ROLLBACK')
  await store.close()
})

/** A client of a pool that is like pg's, behind which nobody answers. */
class SilentClient extends EventEmitter {
  readonly query = (): Promise<never> => new Promise(() => undefined)
  readonly release = (): void => undefined
}

test('a client that never answers keeps no call, and no store, open', async () => {
  const pool = { connect: () => Promise.resolve(new SilentClient()), totalCount: 0, idleCount: 0, waitingCount: 0 }
  const store = createChatStore({ pool })
  const late = { code: 'database_unavailable', retryable: true }
  await expect(store.getChatHistory({ guestUsername: 'maria' }, { deadlineMs: 50 })).rejects.toMatchObject(late)
  await expect(store.saveChatMessage(message, { deadlineMs: 50 })).rejects.toMatchObject(late)
  await expect(store.renameClient({ clientId: 1, username: 'ana' }, { deadlineMs: 50 })).rejects.toMatchObject(late)
  await store.close()
})
