import { describe, expect } from '../../support/database.js'
import { expectOk, rowIdOf, test, withChat, withoutMessages, type Ack } from '../../support/socket-chat.js'

const text = (message: string) => ({ type: 'text', message })

describe('what a guest is told of a message', () => {
  test('has the same id in the acknowledgement, on arrival and in the history', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const asked = expectOk(await ana.ask('clientMessage', text('Hi?')))
    const answered = expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, ...text('Hello') }))
    const heard = (await ana.next('operatorMessage')) as Pick<Ack, 'id'>
    const { messages } = expectOk(await ana.ask('history', {}))
    expect(messages.map(({ id }) => id)).toEqual([asked.id, heard.id])
    expect(rowIdOf(heard)).toBe(answered.id)
  })

  test('does not tell how many messages others write, by its id or by a cursor', async ({ chat }) => {
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    const first = expectOk(await ana.ask('clientMessage', text('one')))
    await bruno.ask('clientMessage', text('between'))
    const second = expectOk(await ana.ask('clientMessage', text('two')))
    const { nextBefore } = expectOk(await ana.ask('history', { limit: 1 }))
    expect(rowIdOf(second)).toBeGreaterThan(rowIdOf(first) + 1)
    for (const shown of [first.id, second.id, nextBefore]) {
      const read = [String(shown), Buffer.from(String(shown), 'base64url').toString('latin1')].join(' ')
      expect(read).toMatch(/^[\w-]+ /)
      expect(read).not.toContain(String(rowIdOf(second)))
      expect(read).not.toContain(new Date().getUTCFullYear().toString())
    }
    const earlier = expectOk(await ana.ask('history', { before: nextBefore }))
    expect(earlier.messages).toMatchObject([{ id: first.id, text: 'one' }])
  })

  test('is hidden alike by every server that has the operator secret, also after a restart', async ({ database }) => {
    await withoutMessages(database)
    let token = ''
    let id: Ack['id'] = 0
    await withChat(database, {}, async (chat) => {
      const ana = await chat.guest('ana')
      token = ana.token
      id = expectOk(await ana.ask('clientMessage', text('one'))).id
    })
    await withChat(database, {}, async (chat) => {
      const ana = await chat.guest('ana', { token })
      expect(expectOk(await ana.ask('history', {})).messages).toMatchObject([{ id }])
    })
  })

  test('cannot be made up or read: neither an id nor a readable cursor passes for a cursor', async ({ chat }) => {
    const ana = await chat.guest('ana')
    const sent = expectOk(await ana.ask('clientMessage', text('one')))
    for (const before of ['a'.repeat(40), '2026-11-28 12:00:00.000000_9999', sent.id]) {
      const { error } = await ana.ask('history', { before })
      expect(error?.code).toBe('invalid_cursor')
      expect(error?.message).toContain(JSON.stringify(before))
      expect(error?.message).not.toContain(String(rowIdOf(sent)))
    }
  })
})
