import { metrics } from '../../../../src/metrics/index.js'
import { bullet } from '../markdown.js'
import { FACES } from '../../../../src/metrics/faces/index.js'
import type { Generated } from './index.js'

export const metricList: Generated = {
  path: 'docs/metrics.md',
  section: 'metrics',
  render: () =>
    metrics.map(({ name, title, window, help }) => bullet(`\`${name}\` (${title}, ${window}): ${help}`)).join('\n'),
}

export const metricFormats: Generated = {
  path: 'docs/metrics.md',
  section: 'metric formats',
  render: () => FACES.map(({ name, summary }) => bullet(`\`${name}\`: ${summary}`)).join('\n'),
}
