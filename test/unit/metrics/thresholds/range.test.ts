import { describe, expect, test } from 'vitest'
import type { Unit } from '../../../../src/metrics/metric.js'
import { parseQuantity } from '../../../../src/metrics/thresholds/parse-quantity.js'
import { alertsOn, parseRange, renderRange, type Range } from '../../../../src/metrics/thresholds/range.js'

const rangeOf = (text: string, unit: Unit = 'count'): Range => {
  const range = parseRange(text, unit)
  if (typeof range === 'string') throw new Error(`${text} ${range}`)
  return range
}

describe('a range', () => {
  // The table of the Monitoring Plugins' guidelines, and its examples, with the ends of each range.
  test.for([
    { text: '10', alert: [-1, 10.5, 11], quiet: [0, 5, 10] },
    { text: '10:', alert: [-1, 0, 9.9], quiet: [10, 11, 1e12] },
    { text: '~:10', alert: [10.5, 11], quiet: [-1e12, 0, 10] },
    { text: '10:20', alert: [9, 21], quiet: [10, 15, 20] },
    { text: '@10:20', alert: [10, 15, 20], quiet: [9, 21] },
    { text: '5:6', alert: [4, 7], quiet: [5, 6] },
    { text: '1:', alert: [0], quiet: [1] },
    { text: '~:0', alert: [1], quiet: [0, -1] },
    { text: '0', alert: [1, -1], quiet: [0] },
    { text: '@0', alert: [0], quiet: [1, -1] },
    { text: '@~:10', alert: [-5, 10], quiet: [11] },
    { text: '@10:', alert: [10, 11], quiet: [9] },
    { text: '-20:-10', alert: [-21, -9, 0], quiet: [-20, -10] },
    { text: ':10', alert: [-1, 11], quiet: [0, 10] },
    { text: '~:', alert: [], quiet: [-1, 0, 1] },
  ])('$text alerts where the guidelines say so', ({ text, alert, quiet }) => {
    const range = rangeOf(text)
    expect(alert.filter((value) => !alertsOn(range, value))).toEqual([])
    expect(quiet.filter((value) => alertsOn(range, value))).toEqual([])
  })

  test.for(['10', '10:', '~:10', '10:20', '@10:20', '@0', '0:', '~:', '-20:-10'])(
    '%s is written as it was read',
    (text) => {
      expect(renderRange(rangeOf(text), String)).toBe(text)
    },
  )

  test.for([
    '',
    ':',
    '@',
    '@:',
    '10:20:30',
    '10;20',
    '~',
    '10:~',
    '@@10',
    'x',
    '1e3',
    '10 ',
    '10GB',
    '80%',
    '1h',
    '--5',
  ])('"%s" is no range of counts', (text) => {
    expect(parseRange(text, 'count')).toMatch(/^is no range of counts: write /)
  })

  test('must not end before it starts', () => {
    expect(parseRange('20:10', 'count')).toBe('ends before it starts')
    expect(parseRange('95%:80%', 'ratio')).toBe('ends before it starts')
  })
})

test.for([
  ['count', '10', 10],
  ['count', '2.5', 2.5],
  ['count', '-3', -3],
  ['count', '10GB', undefined],
  ['ratio', '80%', 0.8],
  ['ratio', '99.9%', 0.999],
  ['ratio', '0.8', 0.8],
  ['ratio', '100%', 1],
  // A value above 1 would never be reached: the sign was forgotten.
  ['ratio', '80', undefined],
  ['ratio', '10GB', undefined],
  ['bytes', '512', 512],
  ['bytes', '512B', 512],
  ['bytes', '10GB', 10 * 1_024 ** 3],
  ['bytes', '10gb', 10 * 1_024 ** 3],
  ['bytes', '10g', 10 * 1_024 ** 3],
  ['bytes', '1.5MiB', 1.5 * 1_024 ** 2],
  ['bytes', '1kB', 1_024],
  ['bytes', '2T', 2 * 1_024 ** 4],
  ['bytes', '10%', undefined],
  ['bytes', '10 GB', undefined],
  ['seconds', '90', 90],
  ['seconds', '90s', 90],
  ['seconds', '1h55m6', 6_906],
  ['seconds', '1H55M6S', 6_906],
  ['seconds', '1.5h', 5_400],
  ['seconds', '2d', 172_800],
  ['seconds', '1w', 604_800],
  ['seconds', '500ms', 0.5],
  ['seconds', '1m', 60],
  ['seconds', '10GB', undefined],
  ['seconds', 'h', undefined],
] as const)('of %s, %s is %s', ([unit, text, value]) => {
  expect(parseQuantity(text, unit)).toBe(value)
})
