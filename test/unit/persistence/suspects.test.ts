import { expect, test } from 'vitest'
import { createPendingSave } from '../../../src/persistence/pending-save.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../../../src/persistence/content/message-size.js'
import { prepareMessage } from '../../../src/persistence/prepare-message.js'
import { createSuspects, sampleOf } from '../../../src/persistence/saving/suspects.js'
import { textMessage } from '../../support/load.js'

const from = (senderType: 'CLIENT' | 'OPERATOR') =>
  createPendingSave(
    prepareMessage({ ...textMessage('hello'), guestUsername: 'maria', senderType }, DEFAULT_MAX_MESSAGE_BYTES),
    0,
  )

test.each([
  ['after it', ['fail', 'store'], 'CLIENT', true],
  ['before it', ['store', 'fail'], 'CLIENT', false],
  ['after it, of another kind', ['fail', 'store'], 'OPERATOR', false],
  ['nothing', ['fail'], 'CLIENT', false],
] as const)('a suspect with a message stored %s', (_when, events, kind, isRefuted) => {
  const suspects = createSuspects()
  const one = from('CLIENT')
  for (const event of events) {
    if (event === 'fail') suspects.add(one, new Error('no'))
    else suspects.noteStored(from(kind))
  }
  expect(suspects.isRefuted(one)).toBe(isRefuted)
})

test.each([
  ['abc', 'abc'],
  ['aabbc', 'abc'],
  ['abcdefghij', 'adgj'],
  ['aaaaaaaa', 'a'],
])('a sample of the messages of %s: %s', (senders, expected) => {
  const batch = Array.from(senders, (sender, position) => ({ sender, position }))
  const sample = sampleOf(batch)
  expect(sample.map(({ sender }) => sender).join('')).toBe(expected)
  for (const { sender, position } of sample) expect(position).toBe(senders.indexOf(sender))
})
