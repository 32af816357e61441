import type { OnMigrationEvent } from './events.js'

/** No progress is reported before this. */
const SILENT_MS = 1_000

/**
 * Reports the progress of work on rows, batch by batch.
 * @param what the work, such as `archiving guest data`
 * @param total in the same unit as `done`
 * @returns a function to call after each batch with the amount done so far
 */
export const reportBatches = (what: string, total: number, onEvent: OnMigrationEvent): ((done: number) => void) => {
  const startedAt = performance.now()
  return (done) => {
    const elapsedMs = Math.round(performance.now() - startedAt)
    if (elapsedMs < SILENT_MS || total <= 0) return
    onEvent({ type: 'batches', what, percent: Math.min(100, Math.floor((100 * done) / total)), elapsedMs })
  }
}
