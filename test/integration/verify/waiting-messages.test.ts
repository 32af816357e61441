import { migrated, withStore } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { expectExplained } from '../../support/explained.js'
import { findingsOf, verify } from '../../support/findings.js'
import { textMessage } from '../../support/load.js'

test('verify counts messages whose client is not there, apart from those of nobody', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await store.saveChatMessage({ ...textMessage('of 4711'), clientId: 4711 })
    await store.saveChatMessage({ ...textMessage('of a socket'), clientSocketId: 'socket' })
  })
  const found = findingsOf(await verify(database))
  expectExplained(found)
  expect(found.map(({ code, actual }) => [code, actual])).toEqual([
    ['ownerless_messages', '1'],
    ['waiting_messages', '1'],
  ])
})

test('verify counts messages that another program inserts for a client who was merged', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const { clientId: from } = await store.saveChatMessage({ ...textMessage('of pedro'), guestUsername: 'pedro' })
    const { clientId: into } = await store.saveChatMessage({ ...textMessage('of maria'), guestUsername: 'maria' })
    await store.mergeClients({ from: from ?? 0, into: into ?? 0 })
    const insert = `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES ($1, 'CLIENT', 'TEXT', 'late')`
    await database.query(insert, [from])
  })
  const found = findingsOf(await verify(database))
  expectExplained(found)
  expect(found.map(({ code, actual }) => [code, actual])).toEqual([['merged_client_messages', '1']])
})
