import type { Blocker } from '../blockers.js'

/** A standby that replays later than it may. */
export interface LaggingStandby {
  readonly name: string
  /** Null while it is catching up after it was attached. */
  readonly lagS: number | null
}

/** What a session that is watched is doing. Times are in milliseconds; `statement` is our own, never that of another session. */
export type WaitEvent =
  /** Plain text, for what no other event covers. */
  | { readonly type: 'note'; readonly text: string }
  | {
      readonly type: 'waiting'
      /** The migration lock, a table, or `older transactions to end`. */
      readonly what: string
      readonly statement: string | null
      readonly elapsedMs: number
      readonly blockers: readonly Blocker[]
    }
  /** A table was not free within the lock time-out. `attempt` attempts were made; the next follows. */
  | {
      readonly type: 'retrying'
      readonly what: string
      readonly attempt: number
      /** Waited so far, of `maxWaitMs` that the command may wait in all. */
      readonly elapsedMs: number
      readonly maxWaitMs: number
      readonly blockers: readonly Blocker[]
    }
  /** A commit waits for a synchronous standby; no time-out of the server ends that. */
  | {
      readonly type: 'replicating'
      readonly statement: string
      /** Of this wait. */
      readonly elapsedMs: number
      /** The setting synchronous_standby_names. */
      readonly standbyNames: string
      /** Names of the standbys that are attached. */
      readonly attached: readonly string[]
    }
  /** The next step waits until no standby lags more than it may. */
  | {
      readonly type: 'lagging'
      readonly standbys: readonly LaggingStandby[]
      readonly maxLagMs: number
      readonly elapsedMs: number
    }
  | {
      readonly type: 'building'
      readonly statement: string
      /** From pg_stat_progress_create_index. */
      readonly phase: string
      /** Of this phase; null if the server does not report it. */
      readonly percent: number | null
      /** Until the end of this phase, at its rate so far; null if not yet known. */
      readonly etaMs: number | null
      readonly elapsedMs: number
    }
  /** A long statement that is not waiting. */
  | { readonly type: 'running'; readonly statement: string; readonly elapsedMs: number }

export type OnWaitEvent = (event: WaitEvent) => void
