import { migrated, withStore } from '../../support/chat.js'
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

    const order: string[] = []
    const save = async (name: string): Promise<number | null> => {
      const { clientId } = await store.saveChatMessage(from(name))
      order.push(name)
      return clientId
    }
    const waiting = Promise.all(held.map(save))
    const others = await Promise.all([save('maria'), save('somebody new')])
    for (let n = 0; n < 3; n += 1) others.push(await save('maria'))
    expect(order.filter((name) => held.includes(name))).toEqual([])
    expect(others).not.toContain(null)
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
