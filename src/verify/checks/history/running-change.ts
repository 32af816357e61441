import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'

/** Is somebody changing the database at this moment, so that what else is found may be gone in a minute? */
export const runningChange: FactCheck = {
  name: 'running-change',
  expectations: ALWAYS,
  findings: ({ surroundings: { runningChanges } }) =>
    runningChanges.map((actual) =>
      finding('note', 'change_running', {
        object: 'sessions of this database',
        expected: 'nobody changing it',
        actual,
        help: 'wait until it has ended, then ask again: chatkeep verify',
      }),
    ),
}
