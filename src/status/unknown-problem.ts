import { SqlState } from '../database/sql-state.js'
import { ExitCode, type OperatorError } from '../errors.js'
import { count } from '../terminal/render.js'
import type { Problem } from './problem.js'
import type { Status } from './read-status.js'
import { isKnown, valueOf, type Reading, type Unknown } from './reading.js'

interface Hidden extends Unknown {
  readonly name: string
}

/** Whether something could not be read because of a lock. */
export const isLockedOut = (status: Status): boolean =>
  hiddenParts(status).some(isLock) || unknownChecks(status.update) > 0

/**
 * What could not be read: one problem, because one cause most often hides several parts. What is reported already is left out.
 * @param isLockReported whether the holder of the lock is reported
 */
export const unknownProblem = (status: Status, isLockReported: boolean): readonly Problem[] => {
  const { unreachable, update } = status
  if (unreachable !== undefined) return []
  const hidden = hiddenParts(status).filter((part) => !(isLockReported && isLock(part)))
  // verify says what is missing.
  if (hidden.length > 0 && hidden.every(isMissing) && valueOf(update)?.ok === false) return []
  const checks = isLockReported ? 0 : unknownChecks(update)
  const [first] = hidden
  if (first === undefined && checks === 0) return []
  const names = [
    ...hidden.map(({ name }) => name),
    ...(checks === 0 ? [] : [`${count(checks, 'check')} of the update`]),
  ]
  return [
    {
      severity: 'unknown',
      text: `${names.join(' and ')} could not be read: ${first?.unknown ?? 'a table is locked'}`,
      next: first?.error?.next ?? valueOf(update)?.next ?? undefined,
      // As everywhere: a missing privilege and a time-out are no answer, a lock may soon be free.
      exitCode: first?.error?.exitCode === ExitCode.unreachable ? ExitCode.unreachable : ExitCode.busy,
    },
  ]
}

const hiddenParts = ({ server, chat, update }: Status): readonly Hidden[] => {
  const parts: readonly (readonly [name: string, reading: Reading<unknown>])[] = [
    ['the activity of the server', server],
    ['the messages', chat],
    ['the state of the update', update],
  ]
  return parts.flatMap(([name, reading]) => (isKnown(reading) ? [] : [{ name, ...reading }]))
}

const unknownChecks = (update: Status['update']): number => valueOf(update)?.summary.unknown ?? 0

const isLock = ({ error }: Unknown): boolean => error?.sqlState === SqlState.lockNotAvailable

const isMissing = ({ error }: { readonly error: OperatorError | undefined }): boolean =>
  error?.sqlState === SqlState.undefinedTable || error?.sqlState === SqlState.undefinedColumn
