import { expect, test } from 'vitest'
import { change, quantity } from '../../../src/metrics/quantity.js'
import type { Unit } from '../../../src/metrics/metric.js'

test.for<readonly [Unit, number, string]>([
  ['count', 0, '0'],
  ['count', 1_234_567, '1,234,567'],
  ['count', 12.34, '12.3'],
  ['count', -5, '-5'],
  ['bytes', 8_192, '8.2 kB'],
  ['bytes', 12_400_000, '12 MB'],
  ['bytes', -1_400_000, '-1.4 MB'],
  ['ratio', 0, '0 %'],
  ['ratio', 0.0004, '<0.1 %'],
  ['ratio', 0.004, '0.4 %'],
  ['ratio', 0.0995, '10 %'],
  ['ratio', 0.87, '87 %'],
  ['seconds', 0, '0 ms'],
  ['seconds', 0.9994, '999 ms'],
  ['seconds', 0.9996, '1.0 s'],
  ['seconds', 59.96, '1 min'],
  ['seconds', 312, '5 min 12 s'],
  ['seconds', 3_599.6, '1 h'],
  ['seconds', 18_720, '5 h 12 min'],
  ['seconds', 7 * 86_400, '7 d'],
  ['seconds', 5 * 86_400 + 7 * 3_600, '5 d 7 h'],
  ['seconds', 4e9, '127 years'],
])('shows %s %d as %s', ([unit, value, text]) => {
  expect(quantity(value, unit)).toBe(text)
})

test.for<readonly [Unit, number | null, number | null, string | undefined]>([
  ['count', 12, 10, '+20 %'],
  ['count', 9, 10, '-10 %'],
  ['count', 7, 0, '+7'],
  ['count', 0, 7, '-100 %'],
  ['count', 5, 5, '='],
  ['count', 1, -2, '+150 %'],
  ['bytes', 4_000_000, 0, '+4.0 MB'],
  ['ratio', 0.5, 0.25, '+25 points'],
  ['ratio', 0, 0.02, '-2.0 points'],
  ['seconds', null, 3, undefined],
  ['seconds', 3, null, undefined],
])('says what became of %s: %s, earlier %s: %s', ([unit, value, earlier, text]) => {
  expect(change(value, earlier, unit)).toBe(text)
})
