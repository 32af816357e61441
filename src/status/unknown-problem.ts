import { SqlState } from '../database/sql-state.js'
import { ExitCode, type OperatorError } from '../errors.js'
import { count } from '../terminal/render.js'
import { unknown, type Problem } from './problem.js'
import type { Status } from './read-status.js'
import type { CheckedFinding } from '../verify/verify-report.js'
import { isKnown, valueOf, type Reading, type Unknown } from './reading.js'

interface Unread {
  readonly name: string
  readonly unknown: string
  readonly error?: OperatorError | undefined
}

type Hidden = Unread & Unknown

/** Whether something could not be read because of a lock. */
export const isLockedOut = (status: Status): boolean =>
  hiddenParts(status).some(isLock) || lockedChecks(status.update).length > 0

/**
 * What could not be read: one problem for each reason, which most often hides several parts. What is reported already is left
 * out.
 * @param isLockReported whether the holder of the lock is reported
 */
export const unknownProblems = (status: Status, isLockReported: boolean): readonly Problem[] => {
  const { unreachable, update } = status
  if (unreachable !== undefined) return []
  const hidden = hiddenParts(status).filter((part) => !(isLockReported && isLock(part)))
  // verify says what is missing.
  if (hidden.length > 0 && hidden.every(isMissing) && valueOf(update)?.ok === false) return []
  const checks = isLockReported ? 0 : lockedChecks(update).length
  const unread = checks === 0 ? [] : [{ name: `${count(checks, 'check')} of the update`, unknown: 'a table is locked' }]
  const all: readonly Unread[] = [...hidden, ...unread]
  const byReason = [...new Set(all.map((part) => part.unknown))].map((reason) => {
    const parts = all.filter((part) => part.unknown === reason)
    const error = parts.find((part) => part.error !== undefined)?.error
    const text = `${parts.map(({ name }) => name).join(' and ')} could not be read: ${reason}`
    // As everywhere: a missing privilege and a time-out are no answer, a lock may soon be free.
    const exitCode = error?.exitCode === ExitCode.unreachable ? ExitCode.unreachable : ExitCode.busy
    return unknown(text, error?.next ?? valueOf(update)?.next ?? undefined, exitCode)
  })
  return [...byReason, ...deniedChecks(update)]
}

const hiddenParts = ({ server, chat, update }: Status): readonly Hidden[] => {
  const parts: readonly (readonly [name: string, reading: Reading<unknown>])[] = [
    ['the activity of the server', server],
    ['the messages', chat],
    ['the state of the update', update],
  ]
  return parts.flatMap(([name, reading]) => (isKnown(reading) ? [] : [{ name, ...reading }]))
}

const unknownChecks = (update: Status['update']): readonly CheckedFinding[] =>
  valueOf(update)?.findings.filter(({ isUnknown }) => isUnknown === true) ?? []

const isDenied = ({ sqlState }: CheckedFinding): boolean => sqlState === SqlState.insufficientPrivilege

const lockedChecks = (update: Status['update']): readonly CheckedFinding[] =>
  unknownChecks(update).filter((found) => !isDenied(found))

/** What this role may not see. */
const deniedChecks = (update: Status['update']): readonly Problem[] =>
  unknownChecks(update)
    .filter(isDenied)
    .map(({ object, actual, help }) => unknown(`${object}: ${actual}`, help, ExitCode.unreachable))

const isLock = ({ error }: Unknown): boolean => error?.sqlState === SqlState.lockNotAvailable

const isMissing = ({ error }: { readonly error: OperatorError | undefined }): boolean =>
  error?.sqlState === SqlState.undefinedTable || error?.sqlState === SqlState.undefinedColumn
