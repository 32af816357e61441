import type { RowCheck } from './check.js'
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

export const TIMEOUT_EXPLANATIONS = {
  not_checked_in_time: {
    title: 'the query of a check took too long',
    severities: ['error', 'warning', 'note'],
    meaning: `The server cancelled the query after --statement-timeout, or a table stayed locked. An unknown result has
    the severity of the worst possible one. All other checks were completed.`,
    cause: 'A large table without the index that the query needs, a busy server, or an ALTER TABLE in progress.',
    remedy: `Fix what else was found first (above all indexes), then run chatkeep verify again with a longer
    --statement-timeout.`,
  },
} as const satisfies Explanations
