import { DEFAULTS } from '../../../../src/metrics/thresholds/defaults.js'
import { LEVELS } from '../../../../src/metrics/thresholds/threshold.js'
import { bullet } from '../markdown.js'
import type { Generated } from './index.js'

export const defaultThresholds: Generated = {
  path: 'docs/metrics.md',
  section: 'thresholds',
  render: () =>
    Object.entries(DEFAULTS)
      .map(([subject, threshold]) => {
        const ranges = LEVELS.flatMap((level) => {
          const range = threshold[level]
          return range === undefined ? [] : [`${level} \`${range}\``]
        })
        return bullet(`\`${subject}\`: ${ranges.join(', ')}. ${threshold.why}`)
      })
      .join('\n'),
}
