/** Something that prevents or delays a plan, or that its reader should know. */
export interface Obstacle {
  readonly code:
    | 'server_corrupts_indexes'
    | 'partitioned_table'
    | 'row_type_in_use'
    | 'replica_identity_missing'
    | 'column_in_use'
    | 'clients_cannot_be_created'
    | 'messages_without_client'
    | 'insufficient_privilege'
    | 'old_transaction'
    | 'prepared_transaction'
    | 'replication_slot_lags'
    | 'standby_lags'
    | 'table_replicated'
    | 'schema_open_to_others'
    | 'runs_as_superuser'
    | 'server_not_verified'
    | 'free_disk_unknown'
  /** `refused`: the plan cannot run. `waits`: it waits until the obstacle is gone. `note`: it runs anyway. */
  readonly effect: 'refused' | 'waits' | 'note'
  readonly text: string
}
