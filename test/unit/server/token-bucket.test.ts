import { describe, expect, test } from 'vitest'
import { createTokenBucket } from '../../../src/server/protection/token-bucket.js'

/** Calls the bucket at these times, in ms, and returns what it answered: `y` passes, `-` does not. */
const answers = (perSecond: number, times: readonly number[]): string => {
  let now = 0
  const bucket = createTokenBucket(perSecond, () => now)
  return times.map((at) => (((now = at), bucket.take()) ? 'y' : '-')).join('')
}

const at = (ms: number, count: number): readonly number[] => Array.from({ length: count }, () => ms)

describe('a token bucket', () => {
  test.each([
    ['lets three seconds of the rate pass at once', 2, at(0, 7), 'yyyyyy-'],
    ['lets one more pass for each interval', 2, [...at(0, 6), 499, 500, 501, 1_000], 'yyyyyy-y-y'],
    ['counts a refused attempt for nothing', 1, [...at(0, 3), 900, 999, 1_000], 'yyy--y'],
    ['holds no more than the burst after a long pause', 1, [...at(0, 3), ...at(3_600_000, 4)], 'yyyyyy-'],
    ['has no limit at rate 0', 0, at(0, 9), 'yyyyyyyyy'],
  ])('%s', (_what, perSecond, times, expected) => {
    expect(answers(perSecond, times)).toBe(expected)
  })
})
