import { describe, expect, test } from 'vitest'
import { isOverLimit, mayBegin, sendersPerBatch, takeBatch } from '../../../src/persistence/take-batch.js'

const MIB = 1_048_576

interface Given {
  readonly clientId?: number
  readonly guestUsername?: string
  readonly bytes?: number
}

const messages = (count: number, { clientId, guestUsername, bytes = 10 }: Given = {}) =>
  Array.from({ length: count }, () => ({
    message: { clientId: clientId ?? null, guestUsername: guestUsername ?? null },
    bytes,
  }))

/** Senders with so many messages each. */
const senders = (...counts: readonly number[]) => counts.map((count) => ({ waiting: messages(count) }))

describe('taking a batch', () => {
  test.each([
    { what: 'nobody', ready: [], most: 8, taken: [] },
    { what: 'all of a few senders', ready: senders(1, 2, 3), most: 8, taken: [1, 2, 3] },
    { what: 'at most 64 messages of one sender', ready: senders(10_000, 1), most: 8, taken: [64, 1] },
    { what: 'at most 256 messages', ready: senders(64, 64, 64, 60, 10, 1), most: 8, taken: [64, 64, 64, 60, 4] },
    { what: 'only its share of the senders', ready: senders(1, 1, 1), most: 2, taken: [1, 1] },
    {
      what: 'nothing of a sender whose messages were all answered',
      ready: senders(1, 0, 1),
      most: 8,
      taken: [1, 0, 1],
    },
    {
      what: 'at most 4 MiB',
      ready: [{ waiting: messages(3, { bytes: MIB }) }, { waiting: messages(3, { bytes: MIB }) }],
      most: 8,
      taken: [3, 1],
    },
    {
      what: 'no later sender once a message did not fit',
      ready: [
        { waiting: messages(3, { bytes: MIB }) },
        { waiting: messages(1, { bytes: 2 * MIB }) },
        { waiting: messages(1) },
      ],
      most: 8,
      taken: [3],
    },
    {
      what: 'a larger message alone',
      ready: [{ waiting: [...messages(1, { bytes: 5 * MIB }), ...messages(1)] }, { waiting: messages(1) }],
      most: 8,
      taken: [1],
    },
    {
      what: 'messages of one sender up to the first with another contact',
      ready: [{ waiting: [...messages(2, { guestUsername: 'ann' }), ...messages(2, { clientId: 1 })] }],
      most: 8,
      taken: [2],
    },
    {
      what: 'messages of one contact only, also when it comes back',
      ready: [{ waiting: [...messages(1, { clientId: 1 }), ...messages(1), ...messages(1, { clientId: 1 })] }],
      most: 8,
      taken: [1],
    },
  ])('takes $what', ({ ready, most, taken }) => {
    expect([...takeBatch(ready, most).values()]).toEqual(taken)
  })

  test('reads no more senders than it needs', () => {
    let read = 0
    function* endless() {
      for (;;) {
        read += 1
        yield { waiting: messages(64) }
      }
    }
    expect(takeBatch(endless(), 100).size).toBe(4)
    expect(read).toBe(5)
  })

  test('changes nothing', () => {
    const ready = senders(3, 2)
    takeBatch(ready, 8)
    expect(ready.map(({ waiting }) => waiting.length)).toEqual([3, 2])
  })
})

test.each([
  // senders, batches that run, most senders of the next
  [1, 0, 8],
  [16, 0, 8],
  [17, 0, 9],
  [100, 0, 50],
  [100, 1, 100],
  [101, 1, 101],
  [100, 2, 100],
  [100, 3, 100],
  [3, 1, 8],
])('of %i senders, beside %i batches, at most %i share one', (ready, running, most) => {
  expect(sendersPerBatch(ready, running)).toBe(most)
})

test.each([
  { running: [], may: true },
  { running: [0], may: true },
  { running: [0, 0], may: false },
  { running: [251, 0], may: false },
  { running: [250, 251], may: false },
  { running: [251, 251], may: true },
  { running: [251, 251, 0], may: false },
  { running: [900, 900, 900], may: true },
  { running: [900, 900, 900, 900], may: false },
])('beside batches that run for $running ms another may begin: $may', ({ running, may }) => {
  expect(mayBegin(running)).toBe(may)
})

test.each([
  // messages, bytes, size of the next, over
  [0, 0, 100, false],
  [0, 0, 101, false],
  [1, 50, 50, false],
  [1, 50, 51, true],
  [9, 0, 1, false],
  [10, 0, 1, true],
])('%i messages of %i bytes wait, one of %i more exceeds 10 messages or 100 bytes: %s', (count, bytes, size, over) => {
  expect(isOverLimit({ messages: count, bytes }, size, { messages: 10, bytes: 100 })).toBe(over)
})
