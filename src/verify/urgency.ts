/** Codes of findings while which messages cannot be saved or read. */
const MESSAGES_FAIL: readonly string[] = [
  'schema_missing',
  'chat_tables_missing',
  'table_missing',
  'probe_read_only',
  'rollback_unfinished',
  'column_missing',
  'column_without_default',
  'column_nullability',
  'constraint_excludes_guests',
  'constraint_deferrable',
  'foreign_key_elsewhere',
  'enum_label_missing',
  'privilege_missing',
  'rows_hidden',
  'rule_on_table',
  'sequence_behind',
  'sequence_ending',
  'replica_identity_missing',
  'probe_refused',
  'probe_message_lost',
  'no_synchronous_standby',
]

/** Codes of findings that must be gone before chatkeep migrate can succeed. */
const MIGRATE_FAILS: readonly string[] = [
  'own_object_owner',
  'own_object_differs',
  'doubled_idempotency_keys',
  'column_type',
  'index_differs',
  'migration_changed',
  'migration_unknown',
  'migration_gap',
]

export const URGENT_CODES = [...MESSAGES_FAIL, ...MIGRATE_FAILS]

/** Whether migrate fails while there is such a finding. */
export const failsMigrate = (code: string): boolean => MIGRATE_FAILS.includes(code)

/** How urgent a finding is among those of its severity: 0 if messages fail, 1 if migrate would fail, else 2. */
export const urgency = (code: string): number => {
  if (MESSAGES_FAIL.includes(code)) return 0
  return failsMigrate(code) ? 1 : 2
}
