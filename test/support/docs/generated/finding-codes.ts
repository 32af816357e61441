import { explainedCodes, type ExplainedCode } from '../../../../src/verify/explained-codes.js'
import { escapeMarkdown, filled } from '../markdown.js'
import type { Generated } from './index.js'

/** Every code of `chatkeep verify`, as `chatkeep explain` tells it. */
export const findingCodes: Generated = {
  path: 'docs/finding-codes.md',
  render: () =>
    [
      '# Finding codes',
      '<!-- Made from the program by `npm run docs`. -->',
      filled(
        'Every finding of `chatkeep verify` has a code that stays the same from version to version. `chatkeep explain CODE` prints the same on a terminal.',
      ),
      ...explainedCodes().map(renderCode),
    ].join('\n\n'),
}

const renderCode = ({ code, title, severities, meaning, cause, remedy }: ExplainedCode): string =>
  [
    `## ${code}`,
    filled(`**${severities.join(' or ')}**: ${escapeMarkdown(title)}.`),
    filled(escapeMarkdown(meaning)),
    filled(`**Cause.** ${escapeMarkdown(cause)}`),
    filled(`**Fix.** ${escapeMarkdown(remedy)}`),
  ].join('\n\n')
