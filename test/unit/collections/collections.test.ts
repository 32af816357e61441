import { describe, expect, test } from 'vitest'
import { createBitSet } from '../../../src/collections/bit-set.js'
import { createFingerprintMap } from '../../../src/collections/fingerprint-map.js'
import { createFindings } from '../../../src/replay/checking/findings.js'
import { createFingerprintSet } from '../../../src/collections/fingerprint-set.js'
import { createTally } from '../../../src/replay/sending/tally.js'

describe('a set of fingerprints', () => {
  test('knows what was added, and nothing else, also after it has grown', () => {
    const set = createFingerprintSet()
    const members = Array.from({ length: 200_000 }, (_, index) => `member ${index}`)
    for (const member of members) set.add(member)
    expect(members.filter((member) => !set.has(member))).toEqual([])
    expect(members.filter((member) => set.has(`no ${member}`))).toEqual([])
  })

  test('holds nothing at first', () => {
    expect(createFingerprintSet().has('')).toBe(false)
  })
})

test('a map of fingerprints returns the pairs that were set last, also after it has grown', () => {
  const map = createFingerprintMap()
  const texts = Array.from({ length: 5_000 }, (_, index) => `text ${index}`)
  for (const [index, text] of texts.entries()) map.set(text, [index, -index - 1.5])
  map.set('text 7', [Date.now(), Number.MIN_SAFE_INTEGER])
  expect(texts.every((text, index) => index === 7 || map.get(text)?.[1] === -index - 1.5)).toBe(true)
  expect([map.get('text 7')?.[1], map.get('none')]).toEqual([Number.MIN_SAFE_INTEGER, undefined])
})

test('a set of bits knows the numbers that were added, however large', () => {
  const set = createBitSet()
  const numbers = [
    Number.MIN_SAFE_INTEGER,
    -8_193,
    -8_192,
    -1,
    0,
    1,
    7,
    8,
    8_191,
    8_192,
    1_000_003,
    Number.MAX_SAFE_INTEGER,
  ]
  for (const number of numbers.toReversed()) set.add(number)
  expect([...set.values()]).toEqual(numbers)
  expect(numbers.every((number) => set.has(number))).toBe(true)
  expect([-8_191, -2, 2, 9, 8_190, 1_000_002, 2_000_000].some((number) => set.has(number))).toBe(false)
})

test('findings are all counted, and the first thousand kept', () => {
  const findings = createFindings<number>()
  for (let line = 1; line <= 700; line += 1) findings.add(line, -line)
  const { count, first } = findings.result()
  expect([count, first.length, first.at(-1)]).toEqual([1_400, 1_000, -500])
})

describe('the books of a run', () => {
  test('put every line into exactly one column', () => {
    const tally = createTally()
    tally.reject(1, ['is not valid JSON'])
    for (const line of [2, 3, 4, 5]) tally.begin(line)
    tally.settle(4, { kind: 'rejected', reason: 'has another body' })
    tally.settle(2, { kind: 'saved' })
    tally.settle(3, { kind: 'duplicate' })
    expect(tally.counts()).toEqual({
      attempted: 5,
      saved: 1,
      duplicates: 1,
      rejected: {
        count: 2,
        first: [
          { line: 1, reason: 'is not valid JSON' },
          { line: 4, reason: 'has another body' },
        ],
      },
      unanswered: 1,
    })
    expect([2, 3, 4, 5].filter((line) => tally.refused.has(line))).toEqual([4])
  })

  test('name rejected lines in their order, whichever lane was faster', () => {
    const tally = createTally()
    for (const line of [9, 3, 7]) tally.reject(line, ['a', 'b'])
    expect(tally.counts().rejected.first.map(({ line }) => line)).toEqual([3, 7, 9])
    expect(tally.counts().rejected.first[0]?.reason).toBe('a; b')
  })
})
