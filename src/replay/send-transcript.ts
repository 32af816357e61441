import { performance } from 'node:perf_hooks'
import { readTranscript } from './read-transcript.js'
import type { Sender } from './sender.js'
import { createTally, type Tally } from './tally.js'
import type { TranscriptInput } from './transcript-input.js'

export interface SendOptions {
  /** When it fires, reading stops; what was read is still sent. */
  readonly signal: AbortSignal
  readonly onProgress: (lines: number, linesPerSecond: number) => void
}

/** How a sending ended; the tally tells what was done by then, in either case. */
export interface Sending {
  readonly tally: Tally
  readonly durationMs: number
  /** What ended it early; undefined when the transcript was sent to its end, or the signal fired. */
  readonly failure: { readonly error: unknown } | undefined
}

/** Sends a transcript: conversations side by side, each in its order. */
export const sendTranscript = async (
  input: TranscriptInput,
  sender: Sender,
  options: SendOptions,
): Promise<Sending> => {
  const tally = createTally()
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  const intake = sender.open((line, outcome) => tally.settle(line, outcome))

  const feed = async (): Promise<void> => {
    for await (const entry of readTranscript(input.read())) {
      if (entry.message === undefined) tally.reject(entry.line, entry.reasons)
      else {
        await intake.push(entry.message.conversation, entry, entry.sizeBytes)
        tally.begin(entry.line)
      }
      options.onProgress(entry.line, (1_000 * entry.line) / elapsedMs())
      if (options.signal.aborted) return
    }
  }

  try {
    await feed()
    await intake.settle()
    intake.throwIfFailed()
    return { tally, durationMs: elapsedMs(), failure: undefined }
  } catch (error) {
    await intake.settle()
    return { tally, durationMs: elapsedMs(), failure: { error } }
  }
}
