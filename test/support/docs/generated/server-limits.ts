import { inUnits } from '../../../../src/cli/byte-size.js'
import { LIMITS, type Limit } from '../../../../src/server/protection/limits.js'
import { bullet } from '../markdown.js'
import type { Generated } from './index.js'

/** Every limit of the chat server that a flag changes. */
export const serverLimits: Generated = {
  path: 'docs/serve.md',
  section: 'limits',
  render: () =>
    Object.values<Limit>(LIMITS)
      .map((limit) => bullet(`\`${limit.flag}\`: ${limit.help}. Default: ${describeDefault(limit)}`))
      .join('\n'),
}

const describeDefault = ({ default: value, unit }: Limit): string =>
  ({ ms: `${value / 1_000}s`, bytes: inUnits(value), count: value.toLocaleString('en-US') })[unit]
