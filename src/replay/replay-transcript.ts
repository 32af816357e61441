import { describeAddress, type ConnectionTarget } from '../database/connection-target.js'
import { OperatorError } from '../errors.js'
import { checkOnly } from './check-only.js'
import { withOperationLogFile } from './operation-log/file.js'
import { createOperationLog, type OperationLog } from './operation-log/operation-log.js'
import { inspectTranscript, type InspectedTranscript } from '../transcripts/inspect-transcript.js'
import { monotonicClock } from './sending/monotonic-clock.js'
import { createPacer, parseSpeed, type Pacer } from './sending/pacing.js'
import { leaveOutStored } from './leave-out-stored.js'
import { replay, type ReplayOptions, type ReplayReport } from './replay.js'
import type { Sender } from './sending/sender.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'
import { withRunProgress } from './resume/with-run-progress.js'

export interface TranscriptReplayOptions {
  readonly target: ConnectionTarget
  readonly through: 'store' | 'socket'
  /** Opens the sender for as long as the work lasts. */
  readonly withSender: <T>(work: (sender: Sender) => Promise<T>) => Promise<T>
  /** Compares the database with the transcript and sends nothing. */
  readonly checkOnly: boolean
  readonly acceptTruncated: boolean
  /** `max`, `original`, `x10` or `200/s`. */
  readonly speed: string
  /** Longest wait for the next message, in milliseconds. */
  readonly maxGapMs: number
  /** Absolute paths of the files that a run keeps. */
  readonly operationLogFile: string | undefined
  readonly stateFile: string | undefined
  readonly rejectedFile: string | undefined
  readonly signal: AbortSignal
  readonly onProgress: ReplayOptions['onProgress']
}

export interface ReplayedTranscript {
  readonly transcript: InspectedTranscript
  readonly report: ReplayReport
}

/**
 * Replays a transcript of any format, or compares it with the database. Its header and footer are checked first.
 * @throws OperatorError `usage` for an invalid speed, and what its parts throw
 */
export const replayTranscript = async (
  given: TranscriptInput,
  options: TranscriptReplayOptions,
): Promise<ReplayedTranscript> => {
  const { target, through, signal, onProgress, acceptTruncated } = options
  const pacer = pacerOf(options)
  const transcript = await inspectTranscript(given, { acceptTruncated, signal })
  const input = transcript.isExport ? await leaveOutStored(given, { target, signal }) : given
  const alreadyThere = input.leftOut?.size ?? 0
  if (options.checkOnly) {
    const report = await checkOnly(input, { target, through, signal, onProgress })
    return { transcript, report: withLeftOut(report, alreadyThere) }
  }
  const files = {
    stateFile: options.stateFile,
    rejectedFile: options.rejectedFile,
    header: transcript.header,
    identity: {
      ...(await input.identity()),
      format: transcript.format,
      target: describeAddress(target),
      through,
    },
  }
  const report = await withRunProgress(files, (progress) =>
    options.withSender((sender) =>
      withOperationLog(options.operationLogFile, (operationLog) =>
        replay(input, sender, { target, signal, onProgress, pacer, progress, operationLog }),
      ),
    ),
  )
  return { transcript, report: withLeftOut(report, alreadyThere) }
}

// A run that checked nothing fails, except where all is there.
const withLeftOut = (report: ReplayReport, alreadyThere: number): ReplayReport =>
  alreadyThere > 0 && report.attempted === 0 && report.rejected.count === 0
    ? { ...report, alreadyThere, verdict: 'passed', reasons: [] }
    : { ...report, alreadyThere }

const pacerOf = ({ speed, maxGapMs, signal }: TranscriptReplayOptions): Pacer => {
  const parsed = parseSpeed(speed, maxGapMs)
  if (parsed !== undefined) return createPacer(parsed, monotonicClock(signal))
  throw new OperatorError('usage', `--speed is ${speed}`, { hint: 'write max, original, x10 or 200/s' })
}

const withOperationLog = async <T>(
  path: string | undefined,
  work: (operationLog: OperationLog | undefined) => Promise<T>,
): Promise<T> =>
  path === undefined ? work(undefined) : withOperationLogFile(path, (file) => work(createOperationLog(file)))
