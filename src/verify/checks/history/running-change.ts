import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { again } from '../../../next-step.js'

/** Is a migrate or rollback running, which may resolve the other findings? */
export const runningChange: FactCheck<'change_running'> = {
  name: 'running-change',
  expectations: ALWAYS,
  needs: {},
  findings: ({ server: { runningChanges } }) =>
    runningChanges.map((actual) =>
      finding('note', 'change_running', {
        object: 'sessions of this database',
        expected: 'no migrate or rollback running',
        actual,
        help: ['wait until it ends', again()],
      }),
    ),
  explanations: {
    change_running: {
      title: 'the database is being changed right now',
      severities: ['note'],
      meaning: 'A chatkeep migrate or rollback is connected. It may be about to fix what else was found.',
      cause: 'A deployment is in progress, or a run is waiting for a lock.',
      remedy: 'Wait until it ends, then run chatkeep verify again. chatkeep migrate shows who holds the lock.',
    },
  },
}
