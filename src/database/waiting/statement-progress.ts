import { fitLine } from '../../terminal/wrap.js'
import type { Blockage } from '../blockers.js'
import { blockageOf, type BackendSnapshot } from './backend-snapshot.js'
import { oneLine } from './one-line.js'
import type { OnWaitEvent } from './wait-events.js'

/** A statement that runs this long without waiting is reported. */
const LONG_MS = 2_000

/** The progress of one statement, from snapshots of its session. */
export interface StatementProgress {
  /** Who blocked the statement when last seen; undefined without a blocker. */
  readonly blockage: Blockage | undefined
  /** Reports the snapshot as an event, if there is something to report. */
  report(snapshot: BackendSnapshot): void
}

/** Turns snapshots into events. `statement` is what the events name. */
export const createStatementProgress = (statement: string, onEvent: OnWaitEvent): StatementProgress => {
  const startedAt = performance.now()
  let current = { phase: '', at: startedAt }
  let blockage: Blockage | undefined
  let committedAt: number | undefined
  return {
    get blockage() {
      return blockage
    },
    report: (snapshot) => {
      const { phase, done, total } = snapshot
      const now = performance.now()
      const elapsedMs = Math.round(now - startedAt)
      const seen = blockageOf(snapshot)
      if (seen !== undefined) {
        blockage = seen
        onEvent({ type: 'waiting', statement, elapsedMs, ...seen })
        return
      }
      const { standbyNames, attached } = snapshot
      if (standbyNames !== null) {
        committedAt ??= now
        onEvent({ type: 'replicating', statement, elapsedMs: Math.round(now - committedAt), standbyNames, attached })
        return
      }
      committedAt = undefined
      if (phase !== null && current.phase !== phase) current = { phase, at: now }
      if (elapsedMs < LONG_MS) return
      if (phase === null) onEvent({ type: 'running', statement, elapsedMs })
      else onEvent({ type: 'building', statement, phase, elapsedMs, ...phaseProgress(done, total, now - current.at) })
    },
  }
}

/** Below this share or time, a rate means nothing. */
const MIN_SHARE = 0.02
const MIN_PHASE_MS = 1_000

/** Share done of an index build's phase, and the time left at its rate so far. */
export const phaseProgress = (
  done: number | null,
  total: number | null,
  phaseMs: number,
): { readonly percent: number | null; readonly etaMs: number | null } => {
  if (done === null || total === null || total === 0) return { percent: null, etaMs: null }
  const share = Math.min(1, done / total)
  const isReliable = share >= MIN_SHARE && phaseMs >= MIN_PHASE_MS
  return { percent: Math.floor(100 * share), etaMs: isReliable ? Math.round((phaseMs * (1 - share)) / share) : null }
}

const LONGEST_NAME = 100

/** The statement on one line, without comments, as many words as are readable. */
export const statementName = (sql: string): string => fitLine(oneLine(sql), LONGEST_NAME)
