import { expect, test } from 'vitest'
import { checkValue, listOf, oneOf, unknownNames } from '../../src/check-options.js'
import { checkLimit, toContactFilter } from '../../src/persistence/contact.js'
import { parseCursor } from '../../src/persistence/ids/cursor.js'
import { ID, ID_RANGE } from '../../src/persistence/ids/ids.js'
import { parsePollCursor } from '../../src/persistence/polling/poll-cursor.js'
import { prepareMessage } from '../../src/persistence/prepare-message.js'
import { nearestWord } from '../../src/terminal/nearest-word.js'

const bare: unknown = Object.create(null)
const FEW = oneOf('keep', Infinity)
const LONG = 'idempotencyKe'.repeat(10_000)

test('what a stranger sent is quoted up to a few characters, and listed up to a few names', () => {
  const error = (work: () => unknown): string => {
    try {
      work()
      return ''
    } catch (thrown) {
      return (thrown as Error).message
    }
  }
  const message = { senderType: 'CLIENT', messageType: 'TEXT', text: 'x', guestUsername: 'a', [LONG]: 1 } as const
  expect(error(() => prepareMessage(message, 1_000_000)).length).toBeLessThan(200)
  expect(error(() => parseCursor(LONG)).length).toBeLessThan(200)
  const many = Object.fromEntries(Array.from({ length: 7_000 }, (_, index) => [`text${index}`, 1]))
  expect(unknownNames('field', many, ['text'])).toHaveLength(11)
  expect(unknownNames('field', many, ['text']).at(-1)).toBe('6,990 more unknown fields')
})

test('a word is near to those of about its length', () => {
  expect(nearestWord('guestUserName', ['guestUsername', 'text'])).toBe('guestUsername')
  expect(nearestWord('guest', ['guestUsername', 'text'])).toBe('guestUsername')
  expect(nearestWord(LONG, ['idempotencyKey'])).toBeUndefined()
})

test.for<[string, () => unknown, string]>([
  [
    'an id in a string',
    () => toContactFilter({ clientId: '1' as unknown as number }),
    'clientId is a string, but must',
  ],
  ['an id in a list', () => toContactFilter({ clientId: [1] as unknown as number }), 'clientId is an array, but must'],
  ['a bare object as id', () => toContactFilter({ clientId: bare as number }), 'clientId is an object, but must'],
  ['a bigint as id', () => toContactFilter({ clientId: 5n as unknown as number }), 'clientId is a bigint, but must'],
  ['a bigint as limit', () => checkLimit(5n as unknown as number), 'limit is a bigint, but must'],
  ['a symbol as cursor', () => parseCursor(Symbol('x')), 'the cursor is a symbol'],
  [
    'a message that is undefined',
    () => prepareMessage(undefined as never, 1),
    'it is undefined, but must be an object',
  ],
  ['a message in a string', () => prepareMessage('hello' as never, 1), 'it is a string, but must be an object'],
  [
    'a word that is none of a few',
    () => checkValue('references', 'delete', FEW),
    'references is "delete", but must be "keep"',
  ],
  ['a long word', () => checkValue('references', LONG, FEW), `${LONG.slice(0, 100)}…", but must be "keep" or Infinity`],
  ['an id of a list', () => checkValue('ids', [1, '2'], listOf(ID)), `ids[1] is a string, but ${ID_RANGE}`],
  [
    'no list of ids',
    () => checkValue('ids', 'all', listOf(ID)),
    'ids is a string, but must be a list, each a whole number',
  ],
  ['a bare object as cursor', () => parsePollCursor(bare as string), 'the cursor is an object'],
])('%s is refused by name', ([, work, words]) => {
  expect(work).toThrow(words)
})
