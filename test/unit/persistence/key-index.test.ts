import { expect, test } from 'vitest'
import { keyIndexTrouble, type KeyIndex } from '../../../src/persistence/keys/key-index.js'

const GOOD: KeyIndex = {
  name: 'key_idx',
  unique: true,
  valid: true,
  ready: true,
  partial: false,
  deferrable: false,
  columns: 1,
}

const ON = 'the index "key_idx" on "ChatMessage"."idempotencyKey"'

test.each([
  { what: 'a unique index', indexes: [GOOD], trouble: undefined },
  { what: 'no index', indexes: [], trouble: 'there is no unique index on "ChatMessage"."idempotencyKey"' },
  { what: 'one that is not unique', indexes: [{ ...GOOD, unique: false }], trouble: `${ON} is not unique` },
  { what: 'two columns', indexes: [{ ...GOOD, columns: 2 }], trouble: `${ON} has further columns` },
  { what: 'a partial one', indexes: [{ ...GOOD, partial: true }], trouble: `${ON} is partial` },
  { what: 'a deferrable one', indexes: [{ ...GOOD, deferrable: true }], trouble: `${ON} is deferrable` },
  {
    what: 'one that new rows do not enter',
    indexes: [{ ...GOOD, ready: false, valid: false }],
    trouble: `${ON} is not ready: new rows are not in it`,
  },
  { what: 'an invalid one', indexes: [{ ...GOOD, valid: false }], trouble: `${ON} is INVALID, or still being built` },
  { what: 'a bad one beside a good one', indexes: [{ ...GOOD, unique: false }, GOOD], trouble: undefined },
  {
    what: 'two bad ones: the first',
    indexes: [
      { ...GOOD, partial: true },
      { ...GOOD, name: 'other', unique: false },
    ],
    trouble: `${ON} is partial`,
  },
])('$what', ({ indexes, trouble }) => {
  expect(keyIndexTrouble(indexes)).toBe(trouble)
})
