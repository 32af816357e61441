import { createChatStore } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

test('a row that another transaction holds is the reason of every change that needs it, not the database', async ({
  database,
}) => {
  await migrated(database)
  await using store = createChatStore({ databaseUrl: database.url })
  const [{ id, clientId }, other] = await Promise.all(
    ['maria', 'pedro'].map((guestUsername) => store.saveChatMessage({ ...textMessage('hello'), guestUsername })),
  ).then(([maria, pedro]) => [{ id: maria?.id ?? 0, clientId: maria?.clientId ?? 0 }, pedro?.clientId ?? 0] as const)
  const holder = await database.client()
  await holder.query('BEGIN')
  for (const table of ['"ChatMessage"', '"Client"']) await holder.query(`SELECT FROM ${table} FOR UPDATE`)
  const limit = { deadlineMs: 3_000 }
  const before = new Date()
  const calls = {
    edit: store.editMessage({ id, text: 'goodbye' }, limit),
    delete: store.deleteMessage({ id }, limit),
    rename: store.renameClient({ clientId, username: 'Maria' }, limit),
    merge: store.mergeClients({ from: clientId, into: other }, limit),
    erase: store.eraseContact({ clientIds: [clientId] }, limit),
    retain: store.deleteMessagesBefore(before, limit),
  }
  const errors = await Promise.all(
    Object.entries(calls).map(async ([name, call]) => [name, await call.catch((error: unknown) => error)] as const),
  )
  for (const [name, error] of errors)
    expect(error, name).toMatchObject({
      name: 'StoreUnavailable',
      code: 'lock_not_available',
      sqlState: '55P03',
      retryable: true,
      message: expect.stringMatching(/^another transaction holds a row (or table )?that the call needs$/) as string,
      hint: 'see who holds it, and the statement that ends it: chatkeep status; then make the call again',
    })
  await holder.query('ROLLBACK')
})
