import { explainDatabaseError } from '../database/connection-error.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { interruptedBy, OperatorError, withDetail } from '../errors.js'
import type { Next } from '../next-step.js'
import { SEND_AGAIN } from '../persistence/after-refusal.js'
import type { Counts } from './sending/tally.js'

const RUN_AGAIN = 'run the same command again: nothing is stored twice'

/** The run was interrupted; messages that had been read were still sent. */
export const stopped = (signal: AbortSignal, lastLine: number, counts: Counts): OperatorError =>
  interrupted(signal, `stopped after line ${format(lastLine)}: ${howFar(counts)}`)

/** The run was interrupted after everything had been sent. */
export const stoppedReadingBack = (signal: AbortSignal, counts: Counts): OperatorError =>
  interrupted(signal, `stopped while reading back, so the result is unknown: ${howFar(counts)}`)

/** The run could not continue: the same error, with how far it came. */
export const endedEarly = (error: unknown, target: ConnectionTarget, lastLine: number, counts: Counts): unknown => {
  const known = explainDatabaseError(error, target)
  if (!(known instanceof OperatorError) || counts.attempted === 0) return known
  return withDetail(known, `it reached line ${format(lastLine)}: ${howFar(counts)}`, thenRunAgain(known))
}

/** Everything was sent, and reading back failed: the same error, saying so. */
export const notReadBack = (error: unknown, counts: Counts): unknown =>
  error instanceof OperatorError
    ? withDetail(error, `it was reading back, so the result is unknown: ${howFar(counts)}`, thenRunAgain(error))
    : error

/** What the error says to do, and then the run again, in place of the call that failed. */
const thenRunAgain = ({ next }: OperatorError): Next => [
  ...next.filter(({ kind, text }) => kind !== 'again' && text !== SEND_AGAIN),
  RUN_AGAIN,
]

const interrupted = (signal: AbortSignal, message: string): OperatorError =>
  interruptedBy(signal, () => message, { hint: RUN_AGAIN, cause: signal.reason })

const howFar = ({ attempted, saved, duplicates, rejected, unanswered }: Counts): string =>
  [
    `${format(attempted)} attempted`,
    `${format(saved)} saved`,
    `${format(duplicates)} duplicates`,
    `${format(rejected.count)} rejected`,
    ...(unanswered === 0 ? [] : [`${format(unanswered)} without an answer`]),
  ].join(', ')

const format = (amount: number): string => amount.toLocaleString('en-US')
