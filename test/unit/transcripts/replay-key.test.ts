import { describe, expect, test } from 'vitest'
import { createAssignKey } from '../../../src/transcripts/ordinals.js'
import { guestTokenOf, messageIdOf, replayKey } from '../../../src/transcripts/replay-key.js'
import type { TranscriptMessage } from '../../../src/transcripts/transcript-line.js'
import { isGuestToken } from '../../../src/protocol/identity.js'

const message: TranscriptMessage = {
  at: new Date('2026-04-01T09:00:08.250Z'),
  conversation: 'c1',
  from: 'client',
  username: 'maria',
  phone: null,
  operator: null,
  text: 'Hello',
}

describe('the key of a line', () => {
  test('never changes from one version to the next: stored keys would be doubled', () => {
    expect(replayKey(message, 0)).toBe('replay/H9FRNdheDyVm9_AmzAAL83YojuBw7YYtCeKIZ4TAgEs')
  })

  test.for<[string, TranscriptMessage, number]>([
    ['the conversation', { ...message, conversation: 'c2' }, 0],
    ['the side', { ...message, from: 'operator' }, 0],
    ['the user name', { ...message, username: 'Maria' }, 0],
    ['the instant', { ...message, at: new Date('2026-04-01T09:00:08.251Z') }, 0],
    ['the text', { ...message, text: 'Hello ' }, 0],
    ['the ordinal', message, 1],
  ])('depends on %s', ([, other, ordinal]) => {
    expect(replayKey(other, ordinal)).not.toBe(replayKey(message, 0))
  })

  test.for<[string, Partial<TranscriptMessage>]>([
    ['the phone', { phone: '+49 30 1' }],
    ['the operator', { operator: 'lucia' }],
  ])('does not depend on %s, which may be corrected later', ([, part]) => {
    expect(replayKey({ ...message, ...part }, 0)).toBe(replayKey(message, 0))
  })

  test.for<[string, Partial<TranscriptMessage>, Partial<TranscriptMessage>]>([
    [
      'where one field ends and the next begins',
      { conversation: 'ab', username: 'c' },
      { conversation: 'a', username: 'bc' },
    ],
    ['quotes from the end of a field', { conversation: 'a","client","b' }, { conversation: 'a' }],
    ['one lone surrogate from another', { text: '\ud800' }, { text: '\ud801' }],
    ['a lone surrogate from what it is stored as', { text: '\ud800' }, { text: '\ufffd' }],
    ['a NUL from what it is stored as', { text: '\0' }, { text: '\ufffd' }],
    ['a composed letter from a decomposed one', { username: '\u00e9' }, { username: 'e\u0301' }],
  ])('tells %s', ([, one, other]) => {
    expect(replayKey({ ...message, ...one }, 0)).not.toBe(replayKey({ ...message, ...other }, 0))
  })

  test('gives the server a message id without the prefix', () => {
    expect(`replay/${messageIdOf(replayKey(message, 0))}`).toBe(replayKey(message, 0))
  })
})

describe('keys of a transcript', () => {
  test('tell twins apart, wherever they stand', () => {
    const assign = createAssignKey()
    const other = { ...message, text: 'Bye' }
    expect([message, other, message, message, other].map(assign)).toEqual([
      replayKey(message, 0),
      replayKey(other, 0),
      replayKey(message, 1),
      replayKey(message, 2),
      replayKey(other, 1),
    ])
  })

  test('are the same in a second run', () => {
    const lines = [message, message, { ...message, text: 'Bye' }, message]
    expect(lines.map(createAssignKey())).toEqual(lines.map(createAssignKey()))
  })

  test('are all different for twenty thousand lines, twins among them', () => {
    const assign = createAssignKey()
    const lines = Array.from({ length: 20_000 }, (_, index) => ({ ...message, text: `message ${index % 12_000}` }))
    expect(new Set(lines.map(assign)).size).toBe(lines.length)
  })
})

test('a guest token has the form that the server takes, and belongs to one guest of one conversation', () => {
  const token = guestTokenOf(message)
  expect(isGuestToken(token)).toBe(true)
  expect(guestTokenOf({ ...message, from: 'operator', text: 'other' })).toBe(token)
  expect(guestTokenOf({ ...message, username: 'ana' })).not.toBe(token)
  expect(guestTokenOf({ ...message, conversation: 'c2' })).not.toBe(token)
})
