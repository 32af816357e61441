import { performance } from 'node:perf_hooks'
import { createLanes, type LaneLimits } from './lanes.js'
import { readTranscript, type KeyedMessage } from './read-transcript.js'
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

/** Enough lanes to keep the store's connections busy; queues short enough to end quickly on Ctrl-C and to stay small. */
const LIMITS: LaneLimits = { lanes: 16, perLane: 16, weight: 16 * 1_048_576 }

/** Sends a transcript: conversations side by side, each in its order. */
export const sendTranscript = async (
  input: TranscriptInput,
  sender: Sender,
  options: SendOptions,
): Promise<Sending> => {
  const tally = createTally()
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  const lanes = createLanes<KeyedMessage>(LIMITS, async (message) => {
    tally.settle(message.line, await sender.send(message))
  })

  const feed = async (): Promise<void> => {
    for await (const entry of readTranscript(input.read())) {
      if (entry.message === undefined) tally.reject(entry.line, entry.reasons)
      else {
        await lanes.push(entry.message.conversation, entry, entry.sizeBytes)
        tally.begin(entry.line)
      }
      options.onProgress(entry.line, (1_000 * entry.line) / elapsedMs())
      if (options.signal.aborted) return
    }
  }

  try {
    await feed()
    await lanes.settle()
    lanes.throwIfFailed()
    return { tally, durationMs: elapsedMs(), failure: undefined }
  } catch (error) {
    await lanes.settle()
    return { tally, durationMs: elapsedMs(), failure: { error } }
  }
}
