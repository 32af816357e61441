import { describe, expect, test } from 'vitest'
import { parseLine } from '../../../src/transcripts/transcript-line.js'

const valid = {
  at: '2026-04-01T09:00:08.250Z',
  conversation: 'c1',
  from: 'client',
  username: 'maria',
  phone: null,
  operator: null,
  text: 'Hello',
}

const parse = (document: unknown) => parseLine(Buffer.from(JSON.stringify(document)))

describe('a line is taken', () => {
  test('with all that it says', () => {
    const { message } = parse({ ...valid, from: 'operator', phone: '+49 30 1', operator: 'lucia' })
    expect(message).toEqual({
      ...valid,
      at: new Date('2026-04-01T09:00:08.250Z'),
      from: 'operator',
      phone: '+49 30 1',
      operator: 'lucia',
    })
  })

  test('without phone and operator', () => {
    const { phone: _phone, operator: _operator, ...rest } = valid
    expect(parse(rest).message).toMatchObject({ phone: null, operator: null })
  })

  test.for<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['with keys of others', { channel: 'web', nested: { a: [1] } }, { text: 'Hello' }],
    ['with an offset', { at: '2026-04-01T11:00:08+02:00' }, { at: new Date('2026-04-01T09:00:08Z') }],
    ['with microseconds', { at: '2026-04-01T09:00:08.250999Z' }, { at: new Date('2026-04-01T09:00:08.250Z') }],
    ['with the earliest instant', { at: '1970-01-01T00:00:00Z' }, { at: new Date(0) }],
    ['with NUL and lone surrogates', { text: 'a\0b\ud800' }, { text: 'a\0b\ud800' }],
    ['under a name of JavaScript', { username: '__proto__' }, { username: '__proto__' }],
    ['under a name of SQL', { username: `'; DROP TABLE "Client"; --` }, { username: `'; DROP TABLE "Client"; --` }],
    ['under a long name', { username: '😀'.repeat(50) }, { username: '😀'.repeat(50) }],
    ['with a text of blanks', { text: ' ' }, { text: ' ' }],
    ['with the largest text', { text: 'x'.repeat(1_048_576) }, { text: 'x'.repeat(1_048_576) }],
  ])('%s', ([, part, expected]) => {
    expect(parse({ ...valid, ...part }).message).toMatchObject(expected)
  })
})

describe('a line is rejected', () => {
  const noInstant = 'at must be an instant such as 2026-04-01T09:00:08.250Z'
  // Limits are the core's to set: what counts here is that the reason names the field.
  test.for<[string, Readonly<Record<string, unknown>>, string | RegExp]>([
    ['a time in words', { at: 'yesterday' }, noInstant],
    ['a time without a zone', { at: '2026-04-01T09:00:08' }, noInstant],
    ['a day that does not exist', { at: '2026-02-30T09:00:08Z' }, noInstant],
    ['a time in seconds', { at: 1_775_034_008 }, 'at must be a string'],
    ['a time before all chats', { at: '1969-12-31T23:59:59Z' }, 'at must be in the years 1970 to 9999'],
    ['a time after all chats', { at: '9999-12-31T23:59:59-01:00' }, 'at must be in the years 1970 to 9999'],
    ['an empty conversation', { conversation: '' }, 'conversation is empty'],
    ['a huge conversation', { conversation: 'c'.repeat(5_000) }, /^conversation is (longer|larger) than/],
    ['an unknown side', { from: 'bot' }, 'from must be "client" or "operator"'],
    ['no user name', { username: null }, 'username must be a string'],
    ['an empty user name', { username: '' }, 'username is empty'],
    ['a user name of blanks', { username: ' \u00a0\t' }, 'username is empty'],
    ['a user name that is too long', { username: 'x'.repeat(256) }, /^username is longer than 255 characters/],
    ['a phone that is a number', { phone: 5 }, 'phone must be a string or null'],
    ['a huge phone', { phone: '1'.repeat(5_000) }, /^phone is (longer|larger) than/],
    ['an operator that is no text', { operator: false }, 'operator must be a string or null'],
    ['an empty text', { text: '' }, 'text is empty'],
    ['a huge text', { text: 'x'.repeat(33_554_433) }, 'text is larger than 33554432 bytes: it has 33554433'],
  ])('for %s', ([, part, reason]) => {
    const { reasons } = parse({ ...valid, ...part })
    expect(reasons).toEqual([typeof reason === 'string' ? reason : (expect.stringMatching(reason) as string)])
  })

  test('for all its mistakes at once, also those that only the core knows of', () => {
    expect(
      parse({ at: 'x', from: 'y', conversation: '', username: 'x'.repeat(256), phone: 1, text: '' }).reasons,
    ).toEqual([
      'at must be an instant such as 2026-04-01T09:00:08.250Z',
      'conversation is empty',
      'from must be "client" or "operator"',
      'phone must be a string or null',
      'text is empty',
      'username is longer than 255 characters',
    ])
  })

  test('for everything that it lacks', () => {
    expect(parse({}).reasons).toEqual(
      ['at', 'conversation', 'from', 'username', 'text'].map((name) => `${name} is missing`),
    )
  })

  test.for([[null], [5], ['text'], [[valid]]])('when it is not an object: %j', ([document]) => {
    expect(parse(document).reasons).toEqual(['must be a JSON object'])
  })

  test('without repeating what it holds', () => {
    const { reasons } = parseLine(Buffer.from('my card number is 1234'))
    expect(reasons).toEqual(['is not valid JSON'])
  })
})
