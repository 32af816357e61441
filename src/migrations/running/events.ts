/** A session that holds what another waits for. */
export interface Blocker {
  /** 0 for a prepared transaction, which has no session. */
  readonly pid: number
  readonly user: string | null
  readonly application: string | null
  /** As pg_stat_activity has it, e.g. `idle in transaction`; null when this role may not see it. */
  readonly state: string | null
  /** When its transaction began. */
  readonly since: string | null
  readonly transactionS: number | null
  /** Only when it was asked for: it holds what people wrote. */
  readonly query: string | null
}

/**
 * What a migrate or rollback tells while it works: lines and a live line for people, NDJSON for programs.
 * Times are in milliseconds. `statement` is the first line of ours, never anybody else's.
 */
export type MigrationEvent =
  /** A line in words, for what no other event says. */
  | { readonly type: 'note'; readonly text: string }
  | {
      readonly type: 'waiting'
      /** What for: the migration lock, a table, or the end of older transactions. */
      readonly what: string
      readonly statement: string | null
      readonly elapsedMs: number
      readonly blockers: readonly Blocker[]
    }
  /** A table was not free within one lock time-out; so many attempts were made, the next follows. */
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
      /** As pg_stat_progress_create_index names it. */
      readonly phase: string
      /** Of this phase; null where the server does not say. */
      readonly percent: number | null
      /** Until the end of this phase, at its rate so far. */
      readonly etaMs: number | null
      readonly elapsedMs: number
    }
  /** Work on rows that goes in batches. */
  | { readonly type: 'batches'; readonly what: string; readonly percent: number; readonly elapsedMs: number }
  /** A statement that takes long and waits for nobody. */
  | { readonly type: 'running'; readonly statement: string; readonly elapsedMs: number }
  | {
      readonly type: 'done'
      readonly migration: string
      readonly action: string
      readonly durationMs: number
    }

export type OnMigrationEvent = (event: MigrationEvent) => void
