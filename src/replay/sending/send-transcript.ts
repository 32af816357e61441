import { performance } from 'node:perf_hooks'
import type { Pacer } from './pacing.js'
import { readTranscript, type KeyedMessage } from '../../transcripts/read-transcript.js'
import type { RunProgress } from '../resume/run-progress.js'
import type { Sender } from './sender.js'
import { createTally, type Tally } from './tally.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'

export interface SendOptions {
  /** When it fires, reading stops; messages that were read are still sent. */
  readonly signal: AbortSignal
  /** `behindMs`: how late the last message was handed over. */
  readonly onProgress: (lines: number, linesPerSecond: number, behindMs: number) => void
  readonly pacer: Pacer
  readonly progress: RunProgress
}

/** How sending ended; the tally says what was done by then. */
export interface Sending {
  readonly tally: Tally
  readonly durationMs: number
  /** What ended it early; undefined when the whole transcript was sent or the signal fired. */
  readonly failure: { readonly error: unknown } | undefined
  /** Lines, or parts of lines, that are not messages, by kind. */
  readonly skipped: Readonly<Record<string, number>>
  /** How late, at most, a message was handed over. */
  readonly mostBehindMs: number
}

/** Sends a transcript: conversations in parallel, each one in order. */
export const sendTranscript = async (
  input: TranscriptInput,
  sender: Sender,
  options: SendOptions,
): Promise<Sending> => {
  const tally = createTally()
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  const { pacer, progress, signal } = options
  const skipped = new Map<string, number>()
  const earlierRejections = new Map(progress.earlier.rejected.map(({ line, reason }) => [line, reason]))
  const intake = sender.open((line, outcome) => {
    tally.settle(line, outcome)
    progress.settle(line, outcome.kind === 'rejected' ? outcome.reason : undefined)
  })

  const settleAsBefore = (line: number): void => {
    const reason = earlierRejections.get(line)
    tally.begin(line)
    tally.settle(line, reason === undefined ? { kind: 'duplicate' } : { kind: 'rejected', reason })
  }
  const send = async (entry: KeyedMessage & { readonly bytes: Buffer }): Promise<void> => {
    await pacer.due(entry.message.at)
    if (signal.aborted) return
    progress.begin(entry.line, entry.bytes)
    await intake.push(entry.message.conversation, entry, entry.sizeBytes)
    if (pacer.isPaced) intake.flush?.()
    pacer.handedOver()
    tally.begin(entry.line)
  }
  const feed = async (): Promise<void> => {
    const onSkipped = (kind: string): void => void skipped.set(kind, (skipped.get(kind) ?? 0) + 1)
    for await (const entry of readTranscript(input.read(), { onSkipped, leftOut: input.leftOut })) {
      if (entry.message === undefined) {
        tally.reject(entry.line, entry.reasons)
        progress.reject(entry.line, entry.bytes)
      } else if (entry.line <= progress.earlier.line) settleAsBefore(entry.line)
      else await send(entry)
      await progress.save()
      options.onProgress(entry.line, (1_000 * entry.line) / elapsedMs(), pacer.behindMs)
      if (signal.aborted) return
    }
  }
  const end = (failure: Sending['failure']): Sending => ({
    tally,
    durationMs: elapsedMs(),
    failure,
    skipped: Object.fromEntries(skipped),
    mostBehindMs: pacer.mostBehindMs,
  })

  try {
    await feed()
    await intake.settle()
    intake.throwIfFailed()
    if (signal.aborted) await progress.save()
    else await progress.finish(tally.lastLine)
    return end(undefined)
  } catch (error) {
    await intake.settle()
    return end({ error })
  }
}
