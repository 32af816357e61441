import { expect, test } from 'vitest'
import { createNativeCounter, type NativeHistogram } from '../../../src/server/metrics/native-histogram.js'

const histogramOf = (values: readonly number[]): NativeHistogram => {
  const counter = createNativeCounter()
  for (const value of values) counter.observe(value)
  return counter.read()
}

/** The buckets with their counts, as a reader of the format unfolds them: by upper bound, rounded. */
const bucketsOf = ({
  schema,
  spans,
  deltas,
}: NativeHistogram): readonly (readonly [bound: number, count: number])[] => {
  let [index, count, read] = [0, 0, 0]
  return spans.flatMap(({ offset, length }) => {
    index += offset
    return Array.from({ length }, () => {
      count += deltas[read++] ?? NaN
      return [Number((2 ** (index++ / 2 ** schema)).toPrecision(4)), count] as const
    })
  })
}

test.each<[string, readonly number[], readonly (readonly [number, number])[]]>([
  ['nothing', [], []],
  [
    'a bound belongs to the bucket below it',
    [1, 2],
    [
      [1, 1],
      [2, 1],
    ],
  ],
  ['just above a bound', [1.001, 1.08], [[1.091, 2]]],
  [
    'buckets side by side, and far apart',
    [0.01, 1, 1.05, 1.05, 60],
    [
      [0.01013, 1],
      [1, 1],
      [1.091, 2],
      [64, 1],
    ],
  ],
])('values fall into buckets that grow by 9 %%: %s', (_name, values, buckets) => {
  const histogram = histogramOf(values)
  expect(bucketsOf(histogram)).toEqual(buckets)
  expect(histogram).toMatchObject({ count: values.length, zeroCount: 0 })
})

test('every value is in the bucket whose bounds it lies between, and what is too small counts as zero', () => {
  for (let value = 1e-5; value < 100; value *= 1.013) {
    const bound = bucketsOf(histogramOf([value]))[0]?.[0] ?? 0
    expect(value).toBeLessThanOrEqual(bound * 1.001)
    expect(value).toBeGreaterThan(bound / 1.0915)
  }
  expect(histogramOf([0, 1e-7, 1])).toMatchObject({ count: 3, zeroCount: 2, sum: 1 + 1e-7 })
})
