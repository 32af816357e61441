import { performance } from 'node:perf_hooks'
import { withClient } from '../database/connection.js'
import { refuseHidingPolicies } from '../persistence/access/hidden-rows.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { withLockLimit } from '../database/lock-limit.js'
import { refuseReadOnly } from '../database/read-only.js'
import { fromPrimary } from '../database/proxies/standby-reads.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { Check } from './checking/check-operations.js'
import type { EarlierIds } from './checking/earlier-ids.js'
import { judgeRun, type RunJudgement } from './checking/judge-run.js'
import { checkTranscript } from './check-transcript.js'
import { endedEarly, notReadBack, stopped, stoppedReadingBack } from './endings.js'
import type { OnProgress } from './progress-line.js'
import type { OperationLog } from './operation-log/operation-log.js'
import { monotonicClock } from './sending/monotonic-clock.js'
import { createPacer, type Pacer } from './sending/pacing.js'
import { createReadBack, type ReadBack } from './checking/read-back.js'
import { throughOutage } from './checking/through-outage.js'
import { NOT_BEGUN } from './resume/resume-state.js'
import { createRunProgress, type RunProgress } from './resume/run-progress.js'
import { sendTranscript, type Sending } from './sending/send-transcript.js'
import type { Sender } from './sending/sender.js'
import type { Counts } from './sending/tally.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'
import { emptyTranscript } from '../transcripts/transcript-errors.js'

export interface ReplayReport extends Omit<Counts, 'unanswered'>, Check, RunJudgement {
  /** Time from the first line read to the last acknowledgement. */
  readonly sendMs: number
  readonly readBackMs: number
  readonly messagesPerSecond: number
  /** Lines, or parts of lines, that are not messages, by kind; absent when nothing was sent. */
  readonly skipped?: Readonly<Record<string, number>>
  readonly mostBehindMs?: number
  /** Messages found in the database when nothing was sent; absent otherwise. */
  readonly found?: number
  /** The standby that answered, such as `standby, 3 s behind`; absent for a primary. */
  readonly standby?: string | undefined
  /** Line up to which an earlier run had settled everything; 0 for a new one. */
  readonly resumedAt?: number
  /** Messages of an export that were left out, because their rows are still there. */
  readonly alreadyThere?: number
}

export interface ReplayOptions {
  /** The database that the sender writes to. */
  readonly target: ConnectionTarget
  readonly signal: AbortSignal
  /** Where each operation is logged; nothing is logged when absent. */
  readonly operationLog?: OperationLog | undefined
  readonly onProgress: OnProgress
  /** Sends as fast as possible when absent. */
  readonly pacer?: Pacer | undefined
  /** Nothing is kept outside the process when absent. */
  readonly progress?: RunProgress | undefined
}

/**
 * Sends a transcript, then checks in the database that every acknowledged message is there, once and unchanged.
 * @throws OperatorError `empty_transcript`, `interrupted`, `input_damaged`, and what the store throws when it cannot continue
 */
export const replay = async (input: TranscriptInput, sender: Sender, options: ReplayOptions): Promise<ReplayReport> => {
  const { operationLog } = options
  if (operationLog === undefined) return sendAndCheck(input, sender, options)
  try {
    const report = await sendAndCheck(input, operationLog.recordSender(sender), options)
    await operationLog.endRead('ok')
    return report
  } catch (error) {
    // The first error wins; failing to write the log is such an error.
    await operationLog.endRead('info').catch(() => undefined)
    throw error
  }
}

const sendAndCheck = async (input: TranscriptInput, sender: Sender, options: ReplayOptions): Promise<ReplayReport> => {
  const earlier = await withReadBack(options, (readBack) => readBack.earlierIds())
  const sending = await sendTranscript(input, sender, {
    signal: options.signal,
    onProgress: (lines, perSecond, behindMs) => options.onProgress('sending', lines, perSecond, behindMs),
    pacer: options.pacer ?? createPacer({ kind: 'max' }, monotonicClock(options.signal)),
    progress: options.progress ?? createRunProgress(NOTHING_KEPT),
  })
  throwUnlessComplete(input, sending, options)
  const startedAt = performance.now()
  const check = await readBackAll(input, sender, sending, earlier, options)
  const { unanswered: _none, ...counts } = sending.tally.counts()
  return {
    ...counts,
    ...check,
    ...judgeReplay(check, counts.rejected.count),
    sendMs: sending.durationMs,
    readBackMs: performance.now() - startedAt,
    messagesPerSecond: (1_000 * counts.attempted) / sending.durationMs,
    skipped: sending.skipped,
    mostBehindMs: sending.mostBehindMs,
    resumedAt: options.progress?.earlier.line ?? 0,
  }
}

/** A rejected line fails the run, too. */
export const judgeReplay = (check: Check, rejected: number): RunJudgement => {
  const { verdict, reasons } = judgeRun(check)
  if (rejected === 0) return { verdict, reasons }
  return {
    verdict: 'failed',
    reasons: [`${rejected.toLocaleString('en-US')} rejected`, ...(verdict === 'failed' ? reasons : [])],
  }
}
const NOTHING_KEPT = { earlier: NOT_BEGUN, file: undefined, writeState: undefined, nowMs: () => 0 }

/** A query that takes longer has failed. */
const QUERY_TIMEOUT_MS = 60_000

const withReadBack = <T>(
  { target, signal, operationLog }: ReplayOptions,
  work: (readBack: ReadBack) => Promise<T>,
): Promise<T> =>
  withClient(
    target,
    { applicationName: 'chatkeep replay', signal, queryTimeoutMs: QUERY_TIMEOUT_MS, pins: 'text' },
    async (client) => {
      const schema = target.schema ?? 'public'
      const pinned = withLockLimit(client, 'text')
      await refuseMissingSchema(pinned, schema)
      await refuseReadOnly(pinned)
      await refuseHidingPolicies(pinned, schema)
      const readBack = createReadBack(fromPrimary(pinned), schema)
      return work(operationLog?.recordReads(readBack) ?? readBack)
    },
  )

const throwUnlessComplete = (
  input: TranscriptInput,
  { tally, failure }: Sending,
  { signal, target }: ReplayOptions,
): void => {
  const counts = tally.counts()
  if (signal.aborted) throw stopped(signal, tally.lastLine, counts)
  if (failure !== undefined) throw endedEarly(failure.error, target, tally.lastLine, counts)
  if (counts.attempted === 0 && input.leftOut === undefined) throw emptyTranscript(input.name)
}

const readBackAll = async (
  input: TranscriptInput,
  sender: Sender,
  { tally }: Sending,
  earlier: EarlierIds,
  options: ReplayOptions,
): Promise<Check> => {
  const startedAt = performance.now()
  const onProgress = (messages: number): void =>
    options.onProgress('reading back', messages, (1_000 * messages) / (performance.now() - startedAt))
  const read = (): Promise<Check> =>
    withReadBack(options, (readBack) =>
      checkTranscript(input, tally, sender, readBack, { earlier, signal: options.signal, onProgress }),
    )
  try {
    return await throughOutage(options.target, read)
  } catch (error) {
    throw options.signal.aborted
      ? stoppedReadingBack(options.signal, tally.counts())
      : notReadBack(error, tally.counts())
  }
}
