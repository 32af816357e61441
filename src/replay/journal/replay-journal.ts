import { performance } from 'node:perf_hooks'
import { withClient } from '../../database/connection.js'
import { withLockLimit } from '../../database/lock-limit.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { fromPrimary } from '../../database/proxies/standby-reads.js'
import { interruptedBy } from '../../errors.js'
import { readBack, type JournalCheck } from './read-back.js'
import { sendJournal, type JournalSending } from './sending.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'
import type { OnProgress } from '../progress-line.js'

/** What a journal held, and whether it is in the database. */
export interface JournalReport
  extends
    Pick<JournalSending, 'attempted' | 'saved' | 'duplicates' | 'rejected' | 'tornLine' | 'mayBeAnswered'>,
    JournalCheck {
  readonly sendMs: number
  readonly readBackMs: number
}

export interface JournalReplayOptions {
  readonly target: ConnectionTarget
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/**
 * Saves what waits in a journal under the keys that its messages have there, and reads it back. The file is not changed.
 * @throws OperatorError `journal_damaged`, `journal_version_unknown`, `interrupted`, and what the store throws when it cannot continue
 */
export const replayJournal = async (input: TranscriptInput, options: JournalReplayOptions): Promise<JournalReport> => {
  const { target, signal, onProgress } = options
  const startedAt = performance.now()
  const report = (phase: 'sending' | 'reading back', since: number) => (messages: number) =>
    onProgress(phase, messages, (1_000 * messages) / (performance.now() - since))
  const sending = await sendJournal(input, target, signal, report('sending', startedAt))
  throwIfStopped(signal, sending)
  const sentAt = performance.now()
  const check = await withClient(
    target,
    { applicationName: 'chatkeep replay', signal, queryTimeoutMs: QUERY_TIMEOUT_MS, pins: 'text' },
    (client) =>
      readBack(
        input,
        sending,
        fromPrimary(withLockLimit(client, 'text')),
        target.schema ?? 'public',
        report('reading back', sentAt),
      ),
  )
  const { attempted, saved, duplicates, rejected, tornLine, mayBeAnswered } = sending
  return {
    ...{ attempted, saved, duplicates, rejected, tornLine, mayBeAnswered },
    ...check,
    sendMs: sentAt - startedAt,
    readBackMs: performance.now() - sentAt,
  }
}

export const isJournalClean = ({ rejected, lost, doubled, altered, mayBeAnswered }: JournalReport): boolean =>
  !mayBeAnswered && [rejected, lost, doubled, altered].every(({ count }) => count === 0)

const QUERY_TIMEOUT_MS = 60_000

const throwIfStopped = (signal: AbortSignal, { attempted, saved, duplicates, rejected }: JournalSending): void => {
  if (!signal.aborted) return
  throw interruptedBy(
    signal,
    () => `stopped: ${attempted} attempted, ${saved} saved, ${duplicates} duplicates, ${rejected.count} rejected`,
    { hint: 'run the same command again: nothing is stored twice', cause: signal.reason },
  )
}
