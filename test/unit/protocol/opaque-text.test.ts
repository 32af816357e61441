import { expect, test } from 'vitest'
import { createOpaqueText, hideId, revealId } from '../../../src/protocol/opaque-text.js'

const opaque = createOpaqueText('correct horse battery staple')

test.for(['', '42', '2026-11-28 03:00:00.123456 6249', 'Ñandú'])(
  '%j comes back, and is always hidden alike',
  (text) => {
    const hidden = opaque.hide(text)
    expect(hidden).toMatch(/^[\w-]{22,}$/)
    expect(opaque.reveal(hidden)).toBe(text)
    expect(createOpaqueText('correct horse battery staple').hide(text)).toBe(hidden)
  },
)

test('ids are equally long and share nothing', () => {
  const ids = [7, 0, -7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  const hidden = ids.map((id) => hideId(opaque, id))
  expect(new Set(hidden.map(({ length }) => length)).size).toBe(1)
  expect(hideId(opaque, 8).slice(0, 8)).not.toBe(hidden[0]?.slice(0, 8))
  expect(hidden.map((id) => revealId(opaque, id))).toEqual(ids)
})

test.for(['', 'no', 'a'.repeat(35), `${opaque.hide('7').slice(0, -1)}A`, createOpaqueText('another secret').hide('7')])(
  'what was not hidden with this secret is not revealed: %j',
  (hidden) => {
    expect(opaque.reveal(hidden)).toBeUndefined()
    expect(revealId(opaque, hidden)).toBeNaN()
  },
)

test('without a secret each has a key of its own', () => {
  expect(createOpaqueText(undefined).reveal(createOpaqueText(undefined).hide('7'))).toBeUndefined()
})
