import { describeSteps, toStepDocuments, type Next, type TargetNaming } from '../../next-step.js'

/** Something that prevents or delays a plan, or that its reader should know. */
export interface Obstacle {
  readonly code:
    | 'chat_tables_missing'
    | 'server_corrupts_indexes'
    | 'partitioned_table'
    | 'row_type_in_use'
    | 'columns_used_up'
    | 'replica_identity_missing'
    | 'doubled_idempotency_keys'
    | 'own_rows_doubled'
    | 'column_in_use'
    | 'constraint_excludes_guests'
    | 'clients_cannot_be_created'
    | 'messages_without_client'
    | 'insufficient_privilege'
    | 'old_transaction'
    | 'prepared_transaction'
    | 'replication_slot_lags'
    | 'standby_lags'
    | 'standby_lag_unknown'
    | 'standby_replays_locks'
    | 'table_replicated'
    | 'schema_open_to_others'
    | 'runs_as_superuser'
    | 'server_not_verified'
    | 'encoding_not_utf8'
    | 'free_disk_unknown'
  /** `refused`: the plan cannot run. `waits`: it waits until the obstacle is gone. `note`: it runs anyway. */
  readonly effect: 'refused' | 'waits' | 'note'
  readonly text: string
  /** What removes it. */
  readonly next?: Next
}

/** What it is, and what removes it. */
export const describeObstacle = ({ text, next }: Obstacle, naming?: TargetNaming): string =>
  next === undefined ? text : `${text}; ${describeSteps(next, naming)}`

/** For programs: everything in one text, and the steps by themselves. */
export const toObstacleDocument = (obstacle: Obstacle, naming?: TargetNaming) => ({
  code: obstacle.code,
  effect: obstacle.effect,
  text: describeObstacle(obstacle, naming),
  steps: toStepDocuments(obstacle.next, naming),
})
