import { byteSize, duration } from '../terminal/render.js'
import type { Unit } from './metric.js'

/** A value as people read it: `1,234`, `12 MB`, `5 min 12 s`, `87 %`. */
export const quantity = (value: number, unit: Unit): string =>
  value < 0 ? `-${AMOUNT[unit](-value)}` : AMOUNT[unit](value)

/** The same, where null is what does not apply or is not known. */
export const quantityOrDash = (value: number | null, unit: Unit): string =>
  value === null ? '–' : quantity(value, unit)

const AMOUNT: Readonly<Record<Unit, (amount: number) => string>> = {
  count: (amount) => amount.toLocaleString('en-US', { maximumFractionDigits: 1 }),
  seconds: (amount) => duration(amount * 1_000),
  bytes: byteSize,
  ratio: (amount) => percent(amount * 100),
}

/** How a value differs from an earlier one: `+12 %`, `-3 %`, `+7` where it was 0; undefined where nothing can be said. */
export const change = (value: number | null, earlier: number | null, unit: Unit): string | undefined => {
  if (value === null || earlier === null) return undefined
  if (value === earlier) return '='
  const sign = value > earlier ? '+' : '-'
  const difference = Math.abs(value - earlier)
  if (unit === 'ratio') return `${sign}${percent(difference * 100)} points`.replace(' %', '')
  return earlier === 0
    ? `${sign}${quantity(difference, unit)}`
    : `${sign}${percent((difference / Math.abs(earlier)) * 100)}`
}

const percent = (value: number): string => {
  if (value === 0 || value >= 9.95) return `${Math.round(value).toLocaleString('en-US')} %`
  return value < 0.1 ? '<0.1 %' : `${value.toFixed(1)} %`
}
