import { expect } from 'vitest'
import { expectOk, test, type Peer } from '../../support/socket-chat.js'

const namesIn = async (peer: Peer, whose: object = {}) =>
  expectOk(await peer.ask('history', whose)).messages.map(({ operatorName }) => operatorName)

test('a guest reads in the history who answered, and nothing else of the operator', async ({ chat }) => {
  const ana = await chat.guest('ana')
  expectOk(await ana.ask('clientMessage', { message: 'hello' }))
  const answer = async (name: string, operatorId: number | null): Promise<Peer> => {
    const operator = await chat.operator(name, operatorId)
    expectOk(await operator.ask('operatorMessage', { to: ana.clientId, message: 'hi', messageId: '1' }))
    return operator
  }
  const long = '安'.repeat(255)
  const operators = [
    await answer('Lucía G.', 1),
    await answer('Eva / 安', null),
    // Not in "User".
    await answer('Olga', 4711),
    await answer(long, null),
  ]
  const live = ana.all('operatorMessage').map((event) => (event as { operatorName: string }).operatorName)
  expect(live).toEqual(['Lucía G.', 'Eva / 安', 'Olga', long])
  // Of a name that does not fit into the key only that it is another operator's.
  expect(await namesIn(ana)).toEqual([null, ...live.slice(0, -1), null])
  const [, first] = expectOk(await ana.ask('history')).messages
  expect(Object.keys(first ?? {}).filter((key) => key.startsWith('operator'))).toEqual(['operatorName'])

  // Who is not connected any more is named by "User".
  for (const { socket } of operators) socket.disconnect()
  const mateo = await chat.operator('Mateo', 2)
  await mateo.ask('getConnectedOperators')
  await mateo.next('connectedOperatorsList')
  const [user] = await chat.database.query<{ name: string }>('SELECT "name" FROM "User" WHERE "id" = 1')
  expect(await namesIn(ana)).toEqual([null, user?.name, 'Eva / 安', null, null])
  expect(await namesIn(mateo, { to: 'ana' })).toEqual(await namesIn(ana))
})

test('of what a guest wrote in another tab and through the library, the token opens what is in its conversation', async ({
  chat,
}) => {
  const ana = await chat.guest('ana')
  const tab = await chat.guest('another name', { token: ana.token })
  expectOk(await ana.ask('clientMessage', { message: 'one' }))
  expectOk(await tab.ask('clientMessage', { message: 'two' }))
  const fromAna = { senderType: 'CLIENT', messageType: 'TEXT', guestUsername: 'ana' } as const
  await chat.store.saveChatMessage({ ...fromAna, text: 'three', sessionId: ana.clientId })
  await chat.store.saveChatMessage({ ...fromAna, text: 'anybody may be called ana' })
  const other = await chat.guest('ana')
  const textsOf = async (peer: Peer) => expectOk(await peer.ask('history')).messages.map(({ text }) => text)
  expect(await textsOf(ana)).toEqual(['one', 'two', 'three'])
  expect(await textsOf(tab)).toEqual(['one', 'two', 'three'])
  expect(await textsOf(other)).toEqual([])
})
