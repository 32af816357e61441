import type { Breach, Verdict } from './judge.js'
import { renderRange } from './range.js'

/** A verdict as JSON has it; the range is in the unit of the metric's value. */
export const verdictDocument = ({ state, breaches }: Verdict): object => ({
  state,
  breaches: breaches.map(breachDocument),
})

const breachDocument = ({ state, metric, labels, value, range }: Breach): object => ({
  ...{ state, name: metric.name, labels, value },
  range: range === undefined ? null : renderRange(range, String),
})
