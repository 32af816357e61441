import { describe, expect, test } from 'vitest'
import type { JournalEntry } from '../../../src/journal/journal-line.js'
import { createStoredOrder } from '../../../src/journal/stored-order.js'

const messageAt = (sessionId: string, ms: number): JournalEntry['message'] => ({
  clientId: null,
  guestUsername: 'ana',
  guestPhone: null,
  clientSocketId: null,
  senderType: 'CLIENT',
  operatorId: null,
  messageType: 'TEXT',
  text: 'hello',
  imageUrl: null,
  imageName: null,
  mimeType: null,
  idempotencyKey: 'key',
  sessionId,
  createdAt: new Date(ms),
})

describe('the stored order of a conversation', () => {
  test.each<[string, readonly (readonly [string, number])[], readonly [string, number], number]>([
    ['leaves the first message as it is', [], ['a', 5], 5],
    ['leaves a later message as it is', [['a', 5]], ['a', 6], 6],
    ['leaves a message of the same instant as it is', [['a', 5]], ['a', 5], 5],
    ['raises an earlier message to the newest stored one', [['a', 9]], ['a', 5], 9],
    [
      'remembers the newest, whatever was stored after it',
      [
        ['a', 9],
        ['a', 7],
      ],
      ['a', 5],
      9,
    ],
    ['ignores other conversations', [['b', 9]], ['a', 5], 5],
  ])('%s', (_what, stored, [sessionId, ms], expected) => {
    const order = createStoredOrder()
    for (const [conversation, at] of stored) order.note(conversation, new Date(at))
    const message = messageAt(sessionId, ms)
    expect(order.raise(message)).toEqual({ ...message, createdAt: new Date(expected) })
    expect(+(message.createdAt ?? 0)).toBe(ms)
  })
})
