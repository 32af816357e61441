import { SERVER_STATES } from '../../../../src/database/errors/server-states.js'
import { describeSteps } from '../../../../src/next-step.js'
import { describeEnd } from '../../../../src/verify/explain-code.js'
import { escapeMarkdown, filled } from '../markdown.js'
import type { Generated } from './index.js'

/** What chatkeep says to errors of the server, as `chatkeep explain` tells it. */
export const sqlStates: Generated = {
  path: 'docs/operations.md',
  section: 'sqlstates',
  render: () =>
    Object.entries(SERVER_STATES)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([code, state]) =>
        filled(
          `- **${code}** \`${state.condition}\` (exit code ${describeEnd(state)}): ${escapeMarkdown(state.sentence)}. Next: ${escapeMarkdown(describeSteps(state.next))}`,
        ),
      )
      .join('\n'),
}
