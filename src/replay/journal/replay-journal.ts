import { performance } from 'node:perf_hooks'
import { withClient, type Queryable } from '../../database/connection.js'
import { commitBarrier } from '../../database/durability/commit-barrier.js'
import { withLockLimit } from '../../database/lock-limit.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { compareAnywhere, fromPrimary } from '../../database/proxies/standby-reads.js'
import { refuseReadOnly } from '../../database/read-only.js'
import { interruptedBy } from '../../errors.js'
import { throughOutage } from '../checking/through-outage.js'
import { readBack, type JournalCheck } from './read-back.js'
import { entrySourceOf, type EntrySource } from './entries.js'
import { sendJournal, sendNothing, type JournalSending } from './sending.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'
import type { OnProgress } from '../progress-line.js'

/** What a journal held, and whether it is in the database. */
export interface JournalReport
  extends
    Pick<JournalSending, 'attempted' | 'saved' | 'duplicates' | 'rejected' | 'tornLine' | 'mayBeAnswered'>,
    JournalCheck {
  readonly source: EntrySource
  /** Whether nothing was sent. */
  readonly checkOnly: boolean
  /** The standby that answered, such as `standby, 3 s behind`; undefined for a primary. */
  readonly standby: string | undefined
  readonly sendMs: number
  readonly readBackMs: number
}

export interface JournalReplayOptions {
  readonly target: ConnectionTarget
  /** Reads the messages back without saving them. */
  readonly checkOnly: boolean
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/**
 * Saves the messages of a journal, or those that were rejected from one, under the keys that they have there, and reads them
 * back. The file is not changed.
 * @throws OperatorError `journal_damaged`, `journal_version_unknown`, `interrupted`, and what the store throws when it cannot continue
 */
export const replayJournal = async (input: TranscriptInput, options: JournalReplayOptions): Promise<JournalReport> => {
  const { target, signal, onProgress, checkOnly } = options
  const startedAt = performance.now()
  const report = (phase: 'sending' | 'reading back', since: number) => (messages: number) =>
    onProgress(phase, messages, (1_000 * messages) / (performance.now() - since))
  const session = {
    applicationName: 'chatkeep replay',
    signal,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    pins: 'text',
  } as const
  if (!checkOnly) await throughOutage(target, () => withClient(target, session, refuseReadOnly))
  const sending = checkOnly
    ? await sendNothing(input, signal)
    : await sendJournal(input, target, signal, report('sending', startedAt))
  throwIfStopped(signal, sending)
  const sentAt = performance.now()
  const { result: check, standby } = await throughOutage(target, () =>
    withClient(target, session, async (client) => {
      const limited = withLockLimit(client, 'text')
      const read = (reading: Queryable) =>
        readBack(input, sending, reading, target.schema ?? 'public', report('reading back', sentAt))
      const compared = checkOnly
        ? await compareAnywhere(limited, read, isAllThere)
        : { result: await read(fromPrimary(limited)), standby: undefined }
      // The answer lets somebody delete the file, so what was found must be durable, too.
      if (compared.standby === undefined) await commitBarrier(client)
      return compared
    }),
  )
  const { attempted, saved, duplicates, rejected, tornLine, mayBeAnswered } = sending
  return {
    ...{ attempted, saved, duplicates, rejected, tornLine, mayBeAnswered },
    ...check,
    source: entrySourceOf(input) ?? 'journal',
    checkOnly,
    standby,
    sendMs: sentAt - startedAt,
    readBackMs: performance.now() - sentAt,
  }
}

export const isJournalClean = (report: JournalReport): boolean =>
  !report.mayBeAnswered && report.rejected.count === 0 && isAllThere(report)

const isAllThere = ({ lost, doubled, altered }: JournalCheck): boolean =>
  [lost, doubled, altered].every(({ count }) => count === 0)

const QUERY_TIMEOUT_MS = 60_000

const throwIfStopped = (signal: AbortSignal, { attempted, saved, duplicates, rejected }: JournalSending): void => {
  if (!signal.aborted) return
  throw interruptedBy(
    signal,
    () => `stopped: ${attempted} attempted, ${saved} saved, ${duplicates} duplicates, ${rejected.count} rejected`,
    { hint: 'run the same command again: nothing is stored twice', cause: signal.reason },
  )
}
