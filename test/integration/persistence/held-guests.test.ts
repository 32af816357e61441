import { migrated, on, withStore } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

const from = (guestUsername: string) => ({ ...textMessage('Is anybody there?'), guestUsername })

test('guests whose clients an open transaction creates delay nobody else', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await store.saveChatMessage(from('maria'))
    const application = await database.client()
    await application.query('BEGIN')
    const held = Array.from({ length: 20 }, (_, n) => `guest ${n}`)
    for (const name of held) await store.saveChatMessage(from(name), { db: application })

    const save = async (name: string): Promise<number | null> => (await store.saveChatMessage(from(name))).clientId
    const wait = { isOver: false }
    const waiting = Promise.all(held.map(save)).finally(() => (wait.isOver = true))
    const somebodyNew = save('somebody new')
    const others: unknown[] = []
    while (!wait.isOver) others.push(await save('maria'))
    // One after the other, while each of the held guests waits once.
    expect(others.length).toBeGreaterThan(5)
    expect([...others, await somebodyNew]).not.toContain(null)
    // Kept all the same, for reconcile to link.
    expect(await waiting).toEqual(held.map(() => null))
    await application.query('COMMIT')
  })
})

test('a guest whose client another transaction creates is linked to it when that commits in time', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await store.checkReady()
    const application = await database.client()
    await application.query('BEGIN')
    const { clientId } = await store.saveChatMessage(from('maria'), { db: application })
    const saved = store.saveChatMessage(from('maria'))
    // What is sent later is answered: the first one is waiting.
    await store.saveChatMessage(from('ana'))
    await application.query('COMMIT')
    expect(await saved).toMatchObject({ clientId, clientCreated: false })
  })
})

test('after the first message of a guest whose client is held, the next ones are stored at once, and linked once it is free', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await store.saveChatMessage(from('ana'))
    const application = await database.client()
    await application.query('BEGIN')
    // The one is being created; the row of the other is locked.
    await application.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('maria', now())`)
    await application.query(`SELECT FROM "Client" WHERE "username" = 'ana' FOR UPDATE`)
    const answers = await Promise.all(
      ['maria', 'ana'].map(async (name) => {
        const began = performance.now()
        const first = await store.saveChatMessage(from(name), { deadlineMs: 4_000 })
        const firstMs = performance.now() - began
        const next = []
        for (let n = 0; n < 10; n += 1) next.push(await store.saveChatMessage(from(name), { deadlineMs: 4_000 }))
        // Ten would wait ten times as long.
        expect(performance.now() - began).toBeLessThan(5 * firstMs)
        return [first, ...next].map(({ clientId }) => clientId)
      }),
    )
    expect(answers.flat()).toEqual(Array(22).fill(null))
    await application.query('COMMIT')
    for (const name of ['maria', 'ana']) {
      expect((await store.saveChatMessage(from(name))).clientId).not.toBeNull()
    }
  })
  expect((await on(database, 'reconcile')).exitCode).toBe(0)
  expect(await database.query('SELECT FROM "ChatMessage" WHERE "clientId" IS NULL')).toEqual([])
})

test('a message whose key another transaction holds to the end says so, and names the key', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const message = { ...from('maria'), idempotencyKey: 'order 7' }
    await store.saveChatMessage(from('maria'))
    const application = await database.client()
    await application.query('BEGIN')
    await store.saveChatMessage(message, { db: application })
    const late = store.saveChatMessage(message, { deadlineMs: 1_000 })
    const behind = store.saveChatMessage({ ...message, idempotencyKey: 'order 8' }, { deadlineMs: 1_000 })
    const failed = Promise.allSettled([late, behind])
    await expect(late).rejects.toMatchObject({
      name: 'StoreUnavailable',
      code: 'lock_not_available',
      message: 'another transaction holds the idempotency key "order 7"',
      idempotencyKey: 'order 7',
      exitCode: 4,
      retryable: true,
    })
    await expect(behind).rejects.toMatchObject({ code: 'lock_not_available', idempotencyKey: 'order 8' })
    await failed
    await application.query('COMMIT')
    expect(await store.saveChatMessage(message)).toMatchObject({ duplicate: true })
  })
})
