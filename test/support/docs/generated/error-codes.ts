import { ERROR_CODES, type ErrorCodeRules } from '../../../../src/protocol/error-codes.js'
import { bullet } from '../markdown.js'
import type { Generated } from './index.js'

/** Every error code of the socket protocol. */
export const errorCodes: Generated = {
  path: 'docs/serve.md',
  section: 'error-codes',
  render: () =>
    Object.entries<ErrorCodeRules>(ERROR_CODES)
      .map(([code, rules]) => bullet(`\`${code}\` (${describeRules(rules)}): ${rules.text}`))
      .join('\n'),
}

const REPEAT = { never: 'final', later: '**retryable**' } as const

const describeRules = ({ repeat, mayBeStored }: ErrorCodeRules): string =>
  [REPEAT[repeat], ...(mayBeStored ? ['may be stored'] : [])].join(', ')
