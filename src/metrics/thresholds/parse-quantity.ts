import type { Unit } from '../metric.js'

/** What a quantity of each unit is called, and two of them as they are written. */
export const QUANTITY: Readonly<Record<Unit, { readonly noun: string; readonly less: string; readonly more: string }>> =
  {
    count: { noun: 'counts', less: '10', more: '20' },
    ratio: { noun: 'ratios', less: '80%', more: '95%' },
    bytes: { noun: 'sizes', less: '10GB', more: '20GB' },
    seconds: { noun: 'intervals', less: '90s', more: '1h55m' },
  }

const SIZE = /^(\d+(?:\.\d+)?)(?:([kmgtp])i?)?b?$/i
const INTERVAL = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw])?)+$/i
const INTERVAL_PART = /(\d+(?:\.\d+)?)(ms|[smhdw])?/gi

const SIZE_PREFIXES = ['', 'k', 'm', 'g', 't', 'p']
const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** Reads a quantity as check_pgactivity does: sizes in steps of 1024, intervals such as `1h55m6`. Undefined if it is none. */
const read: Readonly<Record<Unit, (text: string) => number | undefined>> = {
  count: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined),
  ratio: (text) => {
    const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? []
    // 99.9 / 100 is 0.9990000000000001.
    const ratio = percent === '%' ? Number((Number(digits) / 100).toPrecision(15)) : Number(digits)
    // Without its sign, 80 is not 80 %: nothing ever exceeds it.
    return digits !== undefined && ratio <= 1 ? ratio : undefined
  },
  bytes: (text) => {
    const [, digits, prefix = ''] = SIZE.exec(text) ?? []
    return digits === undefined ? undefined : Number(digits) * 1_024 ** SIZE_PREFIXES.indexOf(prefix.toLowerCase())
  },
  seconds: (text) =>
    INTERVAL.test(text)
      ? Array.from(
          text.matchAll(INTERVAL_PART),
          ([, digits, unit = 's']) => Number(digits) * (SECONDS[unit.toLowerCase()] ?? 1),
        ).reduce((sum, part) => sum + part, 0)
      : undefined,
}

/** Reads a quantity, negative ones too, in the base unit: seconds, bytes, or a ratio from 0 to 1. Undefined if it does not fit. */
export const parseQuantity = (text: string, unit: Unit): number | undefined => {
  const amount = read[unit](text.replace(/^-/, ''))
  return amount === undefined || !text.startsWith('-') ? amount : 0 - amount
}
