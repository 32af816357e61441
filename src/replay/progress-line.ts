import { count, duration } from '../terminal/render.js'

/** Where a replay says what it is doing. */
export interface ReplayProgress {
  /** A line that stays. */
  readonly line: (text: string) => void
  /** The present state. */
  readonly status: (text: string) => void
}

/** Reports how far a phase has come; `behindMs` is how late the last message was sent. */
export type OnProgress = (
  phase: 'sending' | 'reading back',
  lines: number,
  linesPerSecond: number,
  behindMs?: number,
) => void

/** A shorter delay is noise. */
const LEAST_SHOWN_DELAY_MS = 100

export const createProgressLine =
  ({ status }: ReplayProgress): OnProgress =>
  (phase, lines, linesPerSecond, behindMs = 0) => {
    const behind = behindMs < LEAST_SHOWN_DELAY_MS ? '' : `, ${duration(behindMs)} behind schedule`
    status(`${phase}: ${count(lines, 'line')}, ${count(Math.round(linesPerSecond), 'line')}/s${behind}`)
  }
