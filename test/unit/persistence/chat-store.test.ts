import { expect, test } from 'vitest'
import { createChatStore, InvalidCall } from '../../../src/index.js'

test.for([
  ['nothing', undefined],
  ['null', null],
  ['an empty object', {}],
  ['a misspelt name', { connectionString: 'postgres://h/d' }],
  ['two databases', { databaseUrl: 'postgres://h/d', pool: {} }],
])('a store of %s is refused at once, as the fault of the caller', ([, source]) => {
  const open = () => createChatStore(source as never)
  expect(open).toThrow(InvalidCall)
  expect(open).toThrow(expect.objectContaining({ code: 'invalid_option', blames: 'caller' }))
})

test.for(['getChatHistory', 'markMessagesAsRead'] as const)(
  '%s without a query names what is missing',
  async (name) => {
    const store = createChatStore({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none' })
    await expect(store[name](undefined as never)).rejects.toMatchObject({ code: 'invalid_contact', blames: 'caller' })
    await store.close()
  },
)
