import type { Unit } from '../metric.js'

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P']
const INTERVALS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
]

/** A value of a metric as people read it, and as a threshold is written: `97.2%`, `10.5GB`, `1h55m`. */
export const formatQuantity = (value: number, unit: Unit): string => formats[unit](value)

const rounded = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: 1, useGrouping: false })

const formats: Readonly<Record<Unit, (value: number) => string>> = {
  count: rounded,
  ratio: (value) => `${rounded(value * 100)}%`,
  bytes: (value) => {
    const steps = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), PREFIXES.length - 1)
    return `${rounded(value / 1_024 ** steps)}${PREFIXES[steps] ?? ''}B`
  },
  seconds: (value) => {
    const [larger, smaller] = INTERVALS.slice(INTERVALS.findIndex(([, length]) => value >= length))
    if (larger === undefined || smaller === undefined) return `${rounded(value)}s`
    // Two units are exact enough: what is below them says nothing at this length.
    const steps = Math.round(value / smaller[1])
    const stepsEach = larger[1] / smaller[1]
    const rest = steps % stepsEach
    return `${Math.floor(steps / stepsEach)}${larger[0]}${rest === 0 ? '' : `${rest}${smaller[0]}`}`
  },
}
