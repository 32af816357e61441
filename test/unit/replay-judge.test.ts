import { describe, expect, test } from 'vitest'
import { judge, judgeNewRows, type ExpectedMessage, type StoredMessage } from '../../src/replay/judge.js'

const at = new Date('2026-04-01T09:00:08.250Z')

const expected = (line: number, part: Partial<ExpectedMessage> = {}): ExpectedMessage => ({
  line,
  acknowledged: true,
  idempotencyKey: `key ${line}`,
  senderType: 'CLIENT',
  text: `text ${line}`,
  guestUsername: 'maria',
  sessionId: 'c1',
  createdAt: at,
  guestPhone: null,
  operatorId: null,
  ...part,
})

const stored = (line: number, part: Partial<StoredMessage> = {}): StoredMessage => ({
  id: 100 + line,
  idempotencyKey: `key ${line}`,
  imageUrl: null,
  imageName: null,
  mimeType: null,
  senderType: 'CLIENT',
  text: `text ${line}`,
  guestUsername: 'maria',
  sessionId: 'c1',
  createdAt: at,
  messageType: 'TEXT',
  guestPhone: null,
  operatorId: null,
  clientId: 1,
  clientUsername: 'maria',
  ...part,
})

const clean = { lost: [], doubled: [], unexpected: [], withoutClient: 0 }

describe('the checker', () => {
  test('finds nothing when every message is there once and unchanged', () => {
    expect(judge([expected(1), expected(2)], [stored(2), stored(1)])).toEqual({ ...clean, accounted: [101, 102] })
  })

  test('finds a deleted row', () => {
    expect(judge([expected(1), expected(2)], [stored(2)])).toEqual({ ...clean, lost: [1], accounted: [102] })
  })

  test('finds everything lost in an empty table', () => {
    expect(judge([expected(1), expected(2)], []).lost).toEqual([1, 2])
  })

  test('does not miss a message that was rejected', () => {
    expect(judge([expected(1, { acknowledged: false })], [])).toEqual({ ...clean, accounted: [] })
  })

  test('finds a doubled row', () => {
    expect(judge([expected(1)], [stored(1), stored(1, { id: 900 })])).toEqual({
      ...clean,
      doubled: [{ line: 1, ids: [101, 900] }],
      accounted: [101, 900],
    })
  })

  test.for<[string, Partial<StoredMessage>]>([
    ['text', { text: 'texT 1' }],
    ['text', { text: null }],
    ['text', { text: 'text 1 ' }],
    ['guestUsername', { guestUsername: 'Maria' }],
    ['guestUsername', { guestUsername: null }],
    ['senderType', { senderType: 'OPERATOR' }],
    ['sessionId', { sessionId: 'c2' }],
    ['createdAt', { createdAt: new Date(+at + 1) }],
    ['messageType', { messageType: 'IMAGE' }],
    ['guestPhone', { guestPhone: '+1' }],
    ['operatorId', { operatorId: 7 }],
    ['clientId', { clientId: 2, clientUsername: 'somebody else' }],
  ])('finds a row that differs in its %s', ([column, part]) => {
    expect(judge([expected(1)], [stored(1, part)])).toEqual({
      ...clean,
      unexpected: [{ id: 101, line: 1, reason: `differs from its line in ${column}` }],
      accounted: [101],
    })
  })

  test('names all columns that differ', () => {
    const [found] = judge([expected(1)], [stored(1, { text: 'x', sessionId: 'y', createdAt: new Date(0) })]).unexpected
    expect(found?.reason).toBe('differs from its line in text, sessionId, createdAt')
  })

  test('finds the other body under the key of a rejected message', () => {
    const found = judge([expected(1, { acknowledged: false })], [stored(1, { text: 'of somebody else' })])
    expect(found.unexpected).toEqual([{ id: 101, line: 1, reason: 'differs from its line in text' }])
  })

  test('leaves the time alone where it is the server that dates messages', () => {
    expect(judge([expected(1, { createdAt: null })], [stored(1, { createdAt: new Date() })])).toMatchObject(clean)
  })
})

describe('rows that appeared since the run began', () => {
  const accounts = { isAccounted: (id: number) => id === 101, isOurConversation: (name: string) => name === 'c1' }

  test('are unexpected in a conversation of the transcript when no line accounts for them', () => {
    const rows = [
      { id: 101, sessionId: 'c1', idempotencyKey: 'key 1' },
      { id: 102, sessionId: 'c1', idempotencyKey: null },
      { id: 103, sessionId: 'c1', idempotencyKey: 'of another' },
      { id: 104, sessionId: 'another conversation', idempotencyKey: null },
      { id: 105, sessionId: null, idempotencyKey: null },
    ]
    const reason = 'was written during the run into a conversation of the transcript'
    expect(judgeNewRows(rows, accounts)).toEqual([
      { id: 102, line: null, reason: `${reason}, without a key` },
      { id: 103, line: null, reason: `${reason}, under a key of no line` },
    ])
  })
})
