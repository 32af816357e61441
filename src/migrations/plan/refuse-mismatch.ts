import { ExitCode, OperatorError } from '../../errors.js'
import { again, describeStep, toSteps, type NextStep } from '../../next-step.js'
import { migrationTitle } from '../ledger/migration-files.js'
import { findMismatches, type Compared } from '../ledger/mismatches.js'

/** @throws OperatorError `history_mismatch` (exit 5) when files and history disagree */
export const refuseMismatch = (compared: Compared): void => {
  const found = findMismatches(compared)
  if (found.length === 0) return
  const steps = distinct(found.flatMap(({ next }) => toSteps(next)))
  throw new OperatorError(
    'history_mismatch',
    `the history in the table ${compared.own.names.migrations} does not match the migration files; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details: found.map(({ migration, actual }) => `${migrationTitle(migration)}: ${actual}`),
      hint: [...steps, ...(steps.every(({ kind }) => kind === 'sql') ? [again()] : [])],
    },
  )
}

const distinct = (steps: readonly NextStep[]): readonly NextStep[] => [
  ...new Map(steps.map((step) => [describeStep(step), step])).values(),
]
