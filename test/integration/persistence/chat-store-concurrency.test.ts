import { createChatStore, IdempotencyConflict, type ChatStore, type SavedChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

const STORES = 4
const CALLS_EACH = 25

/** Stores with a pool each, as on several servers. */
const withStores = async (database: TestDatabase, work: (stores: readonly ChatStore[]) => Promise<void>) => {
  const stores = Array.from({ length: STORES }, () => createChatStore({ databaseUrl: database.url }))
  try {
    await work(stores)
  } finally {
    await Promise.all(stores.map((store) => store.close()))
  }
}

/** All stores send at once, and alternately: what becomes of each call. */
const resend = (
  stores: readonly ChatStore[],
  textOf: (call: number) => string,
): Promise<readonly PromiseSettledResult<SavedChatMessage>[]> => {
  const calls = Array.from({ length: CALLS_EACH }, (_, call) =>
    stores.map((store) =>
      store.saveChatMessage({ ...textMessage(textOf(call)), guestUsername: 'maria', idempotencyKey: 'contested' }),
    ),
  )
  return Promise.allSettled(calls.flat())
}

const answersOf = (results: readonly PromiseSettledResult<SavedChatMessage>[]): readonly SavedChatMessage[] =>
  results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))

const readMessages = (database: TestDatabase) =>
  database.query<{ id: number; text: string }>('SELECT "id", "text" FROM "ChatMessage" ORDER BY "id"')

describe('one key, resent by four stores 25 times at once,', () => {
  test('is one message: all get its id, one stored it', async ({ database }) => {
    await migrated(database)
    await withStores(database, async (stores) => {
      const answers = answersOf(await resend(stores, () => 'once'))
      const rows = await readMessages(database)
      expect(rows).toMatchObject([{ text: 'once' }])
      expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: STORES * CALLS_EACH }, () => rows[0]?.id))
      expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
      expect(answers.filter(({ clientCreated }) => clientCreated).length).toBeLessThanOrEqual(1)
    })
  })

  test('stores one of two bodies: the other call gets a conflict that names the stored message', async ({
    database,
  }) => {
    await migrated(database)
    await withStores(database, async (stores) => {
      const results = await resend(stores, (call) => (call % 2 === 0 ? 'even' : 'odd'))
      const [row, ...others] = await readMessages(database)
      expect(others).toEqual([])
      const winners = row?.text === 'even' ? Math.ceil(CALLS_EACH / 2) : Math.floor(CALLS_EACH / 2)
      const answers = answersOf(results)
      expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: STORES * winners }, () => row?.id))
      expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
      const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
      expect(reasons).toHaveLength(STORES * (CALLS_EACH - winners))
      for (const reason of reasons) {
        expect(reason).toBeInstanceOf(IdempotencyConflict)
        expect(reason).toMatchObject({ idempotencyKey: 'contested', existingId: row?.id })
      }
    })
  })
})

const SENDERS = 32
const MESSAGES_EACH = 100

test('what a sender says without waiting for answers is kept in the order in which it was said', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const said = Array.from({ length: MESSAGES_EACH }, (_, n) => `message ${n}`)
    const senders = Array.from({ length: SENDERS }, (_, sender) => ({
      guestUsername: `guest ${sender}`,
      sessionId: `session ${sender}`,
    }))
    const saves = said.map((text) =>
      senders.map((sender) => store.saveChatMessage({ ...textMessage(text), ...sender })),
    )
    const saved = await Promise.all(saves.map((round) => Promise.all(round)))
    for (const [n, { guestUsername, sessionId }] of senders.entries()) {
      const ids = saved.map((round) => round[n]?.id)
      expect(ids, guestUsername).toEqual(ids.toSorted((one, other) => Number(one) - Number(other)))
      for (const contact of [{ guestUsername }, { sessionId }]) {
        const { messages } = await store.getChatHistory({ ...contact, limit: MESSAGES_EACH })
        expect(messages.map(({ text }) => text)).toEqual(said)
      }
    }
  })
})
