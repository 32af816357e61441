import { expect, test } from 'vitest'
import { exitCodeOf, serverStateOf } from '../../../src/database/errors/server-states.js'
import { serverError } from '../../support/server-error.js'

test.for([
  ['40001', 'ProcessInterrupts', 3],
  ['40001', 'ProcessRecoveryConflictInterrupt', 3],
  ['40P01', 'CheckRecoveryConflictDeadlock', 3],
  ['40001', 'CheckForSerializableConflictOut', 4],
  ['40001', undefined, 4],
  ['40P01', 'DeadLockReport', 4],
  ['57P01', 'ProcessInterrupts', 3],
] as const)('an error %s from %s ends with %i', ([code, routine, exitCode]) => {
  const error = serverError(code, routine === undefined ? {} : { routine })
  expect(exitCodeOf(error)).toBe(exitCode)
  expect(serverStateOf(error)?.code === 'recovery_conflict').toBe(exitCode === 3 && code !== '57P01')
})
