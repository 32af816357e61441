import type { Unit } from '../metric.js'
import { parseQuantity, QUANTITY } from './parse-quantity.js'

/**
 * A range of the Monitoring Plugins, in the base unit of its metric: it alerts on values outside of `start` and `end`, or
 * inside. Both ends belong to the range.
 */
export interface Range {
  readonly start: number
  readonly end: number
  readonly alertsOn: 'outside' | 'inside'
}

/** Reads `[@]start:end`. @returns the range, or what is wrong with the text, as the end of a sentence that names it */
export const parseRange = (text: string, unit: Unit): Range | string => {
  const [, at = '', first, last = ''] = /^(@?)(?:([^:]*):)?([^:]*)$/.exec(text) ?? []
  // Without a colon the end is meant, and there is no range without any number.
  if (last === '' && (first === undefined || first === '')) return isNoRange(unit)
  const start = first === '~' ? -Infinity : parseQuantity(first === undefined || first === '' ? '0' : first, unit)
  const end = last === '' ? Infinity : parseQuantity(last, unit)
  if (start === undefined || end === undefined) return isNoRange(unit)
  if (start > end) return 'ends before it starts'
  return { start, end, alertsOn: at === '@' ? 'inside' : 'outside' }
}

const isNoRange = (unit: Unit): string => {
  const { noun, less, more } = QUANTITY[unit]
  return `is no range of ${noun}: write ${more} (alert above), ${less}: (below), ${less}:${more} (outside) or @${less}:${more} (inside)`
}

/** Whether the range alerts on a value. */
export const alertsOn = ({ start, end, alertsOn: side }: Range, value: number): boolean =>
  (value >= start && value <= end) === (side === 'inside')

/** The range as it is written, in another unit of measurement. */
export const renderRange = (range: Range, render: (bound: number) => string): string => {
  const { start, end, alertsOn: side } = range
  const first = start === -Infinity ? '~:' : start === 0 && end !== Infinity ? '' : `${render(start)}:`
  return `${side === 'inside' ? '@' : ''}${first}${end === Infinity ? '' : render(end)}`
}
