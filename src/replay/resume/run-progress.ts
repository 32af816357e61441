import type { RejectedFile } from './rejected-file.js'
import { MOST_REJECTED, type RunState } from './resume-state.js'
import { createSettledLines } from './settled-lines.js'

/** Keeps on disk how far a run has come and what it rejected. */
export interface RunProgress {
  /** What an earlier run has settled. */
  readonly earlier: RunState
  begin(line: number, bytes: Buffer | undefined): void
  settle(line: number, rejectedFor: string | undefined): void
  /** A line that could not be read; a later run reads it again, so the state need not list it. */
  reject(line: number, bytes: Buffer | undefined): void
  /** Writes rejected lines that are settled, and the state once a second. */
  save(): Promise<void>
  finish(lastLine: number): Promise<void>
}

export interface RunProgressOptions {
  readonly earlier: RunState
  readonly file: RejectedFile | undefined
  readonly writeState: ((state: RunState) => Promise<void>) | undefined
  readonly nowMs: () => number
}

const STATE_EVERY_MS = 1_000

export const createRunProgress = ({ earlier, file, writeState, nowMs }: RunProgressOptions): RunProgress => {
  const settled = createSettledLines(earlier.line)
  const rejected = [...earlier.rejected]
  let lastSavedMs = nowMs()

  // A state that omits a rejected line would make a later run report it as lost.
  const stateNow = (finished: boolean, rejectedBytes: number | undefined): RunState => {
    const inOrder = rejected.toSorted((one, other) => one.line - other.line)
    const beyond = inOrder[MOST_REJECTED]
    const line = Math.min(settled.upTo(), (beyond?.line ?? Infinity) - 1)
    const remembered = inOrder.filter((one) => one.line <= line)
    return { line, finished: finished && beyond === undefined, rejected: remembered, rejectedBytes }
  }
  const write = async (finished: boolean): Promise<void> => {
    const bytes = await file?.writeUpTo(settled.upTo())
    const isDue = finished || nowMs() - lastSavedMs >= STATE_EVERY_MS
    if (writeState === undefined || !isDue) return
    lastSavedMs = nowMs()
    await writeState(stateNow(finished, bytes))
  }
  const begin: RunProgress['begin'] = (line, bytes) => {
    file?.hold(line, bytes)
    settled.begin(line)
  }
  return {
    earlier,
    begin,
    settle: (line, rejectedFor) => {
      if (rejectedFor !== undefined) {
        file?.reject(line)
        if (rejected.length <= MOST_REJECTED) rejected.push({ line, reason: rejectedFor })
      }
      file?.release(line)
      settled.settle(line)
    },
    reject: (line, bytes) => {
      if (line <= earlier.line) return
      begin(line, bytes)
      file?.reject(line)
      settled.settle(line)
    },
    save: () => write(false),
    finish: async (lastLine) => {
      settled.finish(lastLine)
      await write(true)
    },
  }
}
