import type { OnMigrationEvent } from './events.js'

/** Below this nobody wonders how far it is. */
const SILENT_MS = 1_000

/**
 * Tells how far work on rows is, batch by batch.
 * @param what in words, e.g. `archiving guest data`
 * @param total in whatever is counted
 * @returns to be called after each batch with what is done so far
 */
export const reportBatches = (what: string, total: number, onEvent: OnMigrationEvent): ((done: number) => void) => {
  const startedAt = performance.now()
  return (done) => {
    const elapsedMs = Math.round(performance.now() - startedAt)
    if (elapsedMs < SILENT_MS || total <= 0) return
    onEvent({ type: 'batches', what, percent: Math.min(100, Math.floor((100 * done) / total)), elapsedMs })
  }
}
