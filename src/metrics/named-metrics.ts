import { ExitCode, OperatorError } from '../errors.js'
import { chatkeep } from '../next-step.js'
import { nearestWord } from '../terminal/nearest-word.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'

/** The metrics of these names, in their order; all without a name. @throws OperatorError `unknown_metric` */
export const metricsNamed = (names: readonly string[]): readonly Metric[] =>
  names.length === 0 ? metrics : [...new Set(names)].map(metricNamed)

const metricNamed = (name: string): Metric => {
  const found = metrics.find((metric) => metric.name === name)
  if (found !== undefined) return found
  const nearest = nearestWord(
    name,
    metrics.map((metric) => metric.name),
  )
  throw new OperatorError('unknown_metric', `there is no metric ${JSON.stringify(name)}`, {
    exitCode: ExitCode.usage,
    hint: nearest === undefined ? chatkeep('metrics', 'it shows all of them') : `did you mean ${nearest}?`,
  })
}
