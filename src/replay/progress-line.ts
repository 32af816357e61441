import type { Progress } from '../terminal/progress.js'
import { count, duration } from '../terminal/render.js'

/** Where a replay says what it is doing. */
export type ReplayProgress = Pick<Progress, 'line' | 'status' | 'update'>

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
