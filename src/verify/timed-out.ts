import { describeBlockage, endBlockers, type Blockage } from '../database/blockers.js'
import type { Check, RowCheck } from './check.js'
import type { Explanations } from './explanation.js'
import { finding, type Finding } from './finding.js'
import { again } from '../next-step.js'
import type { RowQueryTimeout } from './row-query.js'

/** The finding that the query of a check took too long. */
export const timedOut = (
  { object, severity }: Pick<RowCheck, 'object' | 'severity'>,
  { reason }: RowQueryTimeout,
): Finding<keyof typeof TIMEOUT_EXPLANATIONS> =>
  finding(severity, 'not_checked_in_time', {
    object,
    expected: 'a result in time',
    actual: reason,
    help: again('--statement-timeout 10m'),
  })

/** The finding that a check could not read what it needs. The result is unknown, whatever the severity. */
export const notRead = (check: Check | { readonly name: string }, blockage: Blockage): Finding => ({
  ...finding('severity' in check ? check.severity : 'error', 'not_checked_in_time', {
    object: 'object' in check ? check.object : check.name,
    expected: 'a result in time',
    actual: `unknown: ${describeBlockage(blockage)}`,
    help: endBlockers(blockage.blockers),
  }),
  isUnknown: true,
})

export const TIMEOUT_EXPLANATIONS = {
  not_checked_in_time: {
    title: 'the query of a check took too long',
    severities: ['error', 'warning', 'note'],
    meaning: `The server cancelled the query after --statement-timeout, or a table stayed locked. An unknown result has
    the severity of the worst possible one. A locked table makes the exit code 4, unless another finding makes it 1. All other
    checks were completed.`,
    cause: 'A large table without the index that the query needs, a busy server, or an ALTER TABLE in progress.',
    remedy: `End the session that holds the lock, or wait for it. Fix what else was found first (above all indexes), then run chatkeep verify again with a longer
    --statement-timeout.`,
  },
} as const satisfies Explanations
