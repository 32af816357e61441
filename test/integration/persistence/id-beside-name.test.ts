import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { IdempotencyConflict, type ChatStore, type NewChatMessage, type SavedChatMessage } from '../../../src/index.js'
import { createBulkStore } from '../../../src/persistence/bulk-store.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { loadPartitioned } from '../../support/partitioned.js'

const NOBODY = 999_999

/** A message whose id no client has: its client is that of the name. */
const MESSAGE = { ...textMessage('hello'), clientId: NOBODY, guestUsername: 'maria', idempotencyKey: 'a' }

const expectOnlyRow = async (database: TestDatabase, { id, clientId }: SavedChatMessage): Promise<void> => {
  const rows = await database.query('SELECT "id", "clientId" FROM "ChatMessage" WHERE "idempotencyKey" = $1', ['a'])
  expect(rows).toEqual([{ id, clientId }])
}

type Resend = (store: ChatStore, database: TestDatabase) => Promise<SavedChatMessage>

const RESENDS: readonly [string, Resend][] = [
  ['alone', (store) => store.saveChatMessage(MESSAGE)],
  [
    'among others',
    async (store) => {
      const others = ['b', 'c'].map((idempotencyKey) => store.saveChatMessage({ ...MESSAGE, idempotencyKey }))
      const again = await store.saveChatMessage(MESSAGE)
      for (const other of await Promise.all(others)) expect(other).toMatchObject({ duplicate: false })
      return again
    },
  ],
  [
    'in a transaction of the application',
    async (store, database) => {
      const client = await database.client()
      await client.query('BEGIN')
      const again = await store.saveChatMessage(MESSAGE, { db: client })
      await client.query('COMMIT')
      return again
    },
  ],
  [
    'in bulk',
    async (_store, { url }) => {
      const bulk = createBulkStore(toConnectionTarget(parseDatabaseUrl(url, 'databaseUrl')), 'chatkeep bulk')
      try {
        const [outcome] = await bulk.saveChatMessages([MESSAGE, { ...MESSAGE, idempotencyKey: 'b' }])
        if (outcome?.status !== 'fulfilled') throw outcome?.reason
        return outcome.value
      } finally {
        await bulk.close()
      }
    },
  ],
]

describe('a message beside whose name no client has the id is the same when it is sent again', () => {
  test.for(RESENDS)('%s', async ([, resend], { database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const saved = await store.saveChatMessage(MESSAGE)
      expect(saved).toMatchObject({ clientCreated: true, duplicate: false })
      expect(await resend(store, database)).toMatchObject({
        ...{ id: saved.id, clientId: saved.clientId, duplicate: true },
      })
      await expectOnlyRow(database, saved)
    })
  })

  test('whatever became of it and of its client', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const { id, clientId } = await store.saveChatMessage(MESSAGE)
      const other = await store.saveChatMessage({ ...textMessage('hi'), guestUsername: 'other' })
      const expectSame = async (now = clientId): Promise<void> => {
        expect(await store.saveChatMessage(MESSAGE)).toMatchObject({ id, clientId: now, duplicate: true })
      }
      await store.renameClient({ clientId: clientId ?? -1, username: 'Maria Lopez' })
      await expectSame()
      await store.mergeClients({ from: clientId ?? -1, into: other.clientId ?? -1 })
      await expectSame(other.clientId)
      await store.editMessage({ id, text: 'edited' })
      await expectSame(other.clientId)
      await store.deleteMessage({ id })
      await expectSame(other.clientId)
    })
  })

  test('in a partitioned table', async ({ database }) => {
    await loadPartitioned(database)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await withStore(database, async (store) => {
      const saved = await store.saveChatMessage(MESSAGE)
      expect(await store.saveChatMessage(MESSAGE)).toMatchObject({ id: saved.id, duplicate: true })
      await expectOnlyRow(database, saved)
    })
  })

  test('but not with another name, or the id of another client', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const saved = await store.saveChatMessage(MESSAGE)
      const other = await store.saveChatMessage({ ...textMessage('hi'), guestUsername: 'other' })
      const differences: readonly Partial<NewChatMessage>[] = [
        { guestUsername: 'other' },
        { guestUsername: null },
        { clientId: other.clientId },
      ]
      for (const difference of differences)
        await expect(store.saveChatMessage({ ...MESSAGE, ...difference })).rejects.toThrow(IdempotencyConflict)
      await expectOnlyRow(database, saved)
    })
  })
})
