import type { WaitEvent } from '../../database/waiting/wait-events.js'

/**
 * Progress of a migrate or rollback: lines and a live line on a terminal, NDJSON for programs. Times are in milliseconds.
 * `statement` is our own statement, never that of another session.
 */
export type MigrationEvent =
  | WaitEvent
  /** Work on rows, in batches. */
  | { readonly type: 'batches'; readonly what: string; readonly percent: number; readonly elapsedMs: number }
  | {
      readonly type: 'done'
      readonly migration: string
      readonly action: string
      readonly durationMs: number
    }

export type OnMigrationEvent = (event: MigrationEvent) => void
