import { printable } from '../../terminal/printable.js'
import type { Render } from '../../terminal/render.js'
import { formatQuantity } from './format-quantity.js'
import type { Breach, Verdict } from './judge.js'

/** The breaches for people, the worst first, and the state last. */
export const renderVerdict = ({ state, breaches }: Verdict, { paint }: Render): string => {
  const colour = { ok: paint.green, unknown: paint.yellow, warning: paint.yellow, critical: paint.red }
  const lines = breaches.map(
    (breach) => `${colour[breach.state](`${breach.state}:`)} ${printable(describeBreach(breach))}`,
  )
  return [...lines, `${colour[state](state.toUpperCase())}  ${describeCount(breaches)}`].join('\n')
}

/** How many values breach a threshold. */
const describeCount = (breaches: readonly Breach[]): string => {
  const unknown = breaches.filter(({ state }) => state === 'unknown').length
  const known = breaches.length - unknown
  const counts = [
    ...(known === 0
      ? []
      : [known === 1 ? '1 value breaches its threshold' : `${known} values breach their thresholds`]),
    ...(unknown === 0 ? [] : [`${unknown} could not be read`]),
  ]
  return counts.length === 0 ? 'no value breaches a threshold' : counts.join(', ')
}

/** A breach in words, such as `connections used 97.2%, above 95%`. */
export const describeBreach = ({ metric: { title, unit }, labels, value, range }: Breach): string => {
  const names = Object.entries(labels).map(([label, text]) => ` ${label}=${text}`)
  const subject = `${title}${names.join('')}`
  if (value === null || range === undefined) return `${subject} unknown`
  const format = (bound: number): string => formatQuantity(bound, unit)
  const where =
    range.alertsOn === 'inside'
      ? `within ${[range.start, range.end].filter(Number.isFinite).map(format).join(' to ')}`
      : value > range.end
        ? `above ${format(range.end)}`
        : `below ${format(range.start)}`
  return `${subject} ${format(value)}, ${where}`
}
