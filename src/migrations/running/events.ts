/** A session that blocks ours. */
export interface Blocker {
  /** 0 for a prepared transaction, which has no session. */
  readonly pid: number
  readonly user: string | null
  readonly application: string | null
  /** From pg_stat_activity, such as `idle in transaction`; null if this role cannot see it. */
  readonly state: string | null
  /** Start of its transaction. */
  readonly since: string | null
  /** Age of its transaction in seconds. */
  readonly transactionS: number | null
  /** Null unless requested: it may contain personal data. */
  readonly query: string | null
}

/**
 * Progress of a migrate or rollback: lines and a live line on a terminal, NDJSON for programs. Times are in milliseconds.
 * `statement` is our own statement, never that of another session.
 */
export type MigrationEvent =
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
      readonly elapsedMs: number
      readonly maxWaitMs: number
      readonly blockers: readonly Blocker[]
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
  /** Work on rows, in batches. */
  | { readonly type: 'batches'; readonly what: string; readonly percent: number; readonly elapsedMs: number }
  /** A long statement that is not waiting. */
  | { readonly type: 'running'; readonly statement: string; readonly elapsedMs: number }
  | {
      readonly type: 'done'
      readonly migration: string
      readonly action: string
      readonly durationMs: number
    }

export type OnMigrationEvent = (event: MigrationEvent) => void
