import { ExitCode } from '../../errors.js'
import type { ServerError } from '../sql-state.js'
import { isRecoveryConflict } from './recovery-conflict.js'
import { again, chatkeep, or, psql, shell, sql, type Next } from '../../next-step.js'

/** What an error of the server means, and what to do about it. */
export interface ServerState {
  /** Its name in appendix A of the PostgreSQL manual. */
  readonly condition: string
  /** What happened, without an end. */
  readonly sentence: string
  readonly next: Next
  readonly exitCode: ExitCode
  /** The same command may succeed later, unchanged. */
  readonly retryable: boolean
  /** The `code` of the error; `sql_error` when absent. */
  readonly code?: string
}

type Words = readonly [condition: string, sentence: string, next: Next, code?: string]

const state =
  (exitCode: ExitCode, retryable: boolean) =>
  ([condition, sentence, next, code]: Words): ServerState => ({
    ...{ condition, sentence, next, exitCode, retryable },
    ...(code === undefined ? {} : { code }),
  })

/** Passes by itself, or when somebody makes room. */
const passing = state(ExitCode.unreachable, true)
const busy = state(ExitCode.busy, true)
/** Needs somebody: the same command will not succeed before. */
const unable = state(ExitCode.unreachable, false)
const wrong = state(ExitCode.no, false)

const SOON = again('', 'in a moment')
const SEE_VERIFY = chatkeep('verify', 'see what the database lacks')
const SEE_SESSIONS = sql(
  'SELECT pid, usename, application_name, state, xact_start FROM pg_stat_activity ORDER BY xact_start',
  'see the oldest transactions',
)
const SEE_CONNECTIONS = sql(
  'SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC',
  'see who has the connections',
)
/** For an error of a constraint, a trigger or a function. */
export const SEE_TRIGGERS = psql(String.raw`\d "ChatMessage"`, 'see constraints and triggers')

/** By SQLSTATE, in the order of the codes. */
export const SERVER_STATES: Readonly<Record<string, ServerState>> = {
  '08000': passing(['connection_exception', 'the connection broke', again()]),
  '08001': passing([
    'sqlclient_unable_to_establish_sqlconnection',
    'no connection to another server could be made',
    again(),
  ]),
  '08003': passing(['connection_does_not_exist', 'the connection is gone', again()]),
  '08006': passing(['connection_failure', 'the connection failed', again()]),
  '08P01': unable([
    'protocol_violation',
    'the server rejected the connection with a protocol error, as connection poolers do',
    'name the direct address of the server in DIRECT_URL or --database-url',
    'protocol_violation',
  ]),
  '0A000': wrong(['feature_not_supported', 'this server does not support it', 'see the version with SELECT version()']),
  '22021': wrong([
    'character_not_in_repertoire',
    'a text has bytes that are not valid in the encoding of the database',
    chatkeep('explain encoding_not_utf8', 'the encoding of the database may be the reason'),
  ]),
  '22P02': wrong(['invalid_text_representation', 'a text is not a value of the type of its column', SEE_VERIFY]),
  '22P05': wrong([
    'untranslatable_character',
    'a character does not exist in the encoding of the database',
    chatkeep('explain encoding_not_utf8', 'the encoding of the database may be the reason'),
  ]),
  '2200H': wrong([
    'sequence_generator_limit_exceeded',
    'a sequence of ids has reached its end',
    chatkeep('explain sequence_ending', 'see how to widen it'),
  ]),
  '23502': wrong(['not_null_violation', 'a column that must have a value got none', SEE_VERIFY]),
  '23503': wrong(['foreign_key_violation', 'a row refers to another that does not exist', SEE_VERIFY]),
  '23505': wrong(['unique_violation', 'a value exists already, and must exist only once', SEE_TRIGGERS]),
  '23514': wrong(['check_violation', 'a row does not satisfy a CHECK constraint', SEE_TRIGGERS]),
  '25006': unable([
    'read_only_sql_transaction',
    'the server is read-only: it is a standby, or its settings forbid writes',
    [
      'if it is a standby, name the primary server',
      or(chatkeep('doctor', 'see where default_transaction_read_only is set, and what resets it')),
    ],
    'read_only_database',
  ]),
  '25P02': wrong(['in_failed_sql_transaction', 'an earlier statement of the transaction has failed', again()]),
  '25P03': passing([
    'idle_in_transaction_session_timeout',
    'idle_in_transaction_session_timeout ended the session',
    again(),
    'connection_lost',
  ]),
  '25P04': passing(['transaction_timeout', 'transaction_timeout ended the session', again(), 'connection_lost']),
  '28000': unable([
    'invalid_authorization_specification',
    'the server rejected the role',
    'check the role, pg_hba.conf on the server, and whether it requires TLS (?sslmode=require)',
    'authentication_failed',
  ]),
  '28P01': unable([
    'invalid_password',
    'the server did not accept the password',
    [
      'check the password in the URL, PGPASSWORD or ~/.pgpass',
      psql(String.raw`\password ROLE`, 'or set a new one, as an administrator'),
    ],
    'authentication_failed',
  ]),
  '3D000': unable([
    'invalid_catalog_name',
    'there is no such database',
    shell('psql -l', 'list the databases'),
    'database_does_not_exist',
  ]),
  '40001': busy([
    'serialization_failure',
    'another transaction came in between (on a standby, where it is a conflict with recovery, the exit code is 3)',
    SOON,
  ]),
  '40003': busy([
    'statement_completion_unknown',
    'nobody knows whether the statement was completed',
    chatkeep('verify', 'see the state of the database'),
  ]),
  '40P01': busy([
    'deadlock_detected',
    'two transactions waited for each other (the log of the server names both)',
    SOON,
  ]),
  '42501': unable([
    'insufficient_privilege',
    'the role lacks the privilege for this',
    [
      'run it as the owner of the tables, or ask for the privilege',
      chatkeep('doctor', 'see what the role lacks, and the GRANT for it'),
    ],
    'insufficient_privilege',
  ]),
  '42601': wrong([
    'syntax_error',
    'the server does not understand a statement',
    'correct the statement at the place shown',
  ]),
  '42703': wrong(['undefined_column', 'a column does not exist', SEE_VERIFY]),
  '42883': wrong(['undefined_function', 'a function does not exist for these types', SEE_VERIFY]),
  '42P01': wrong(['undefined_table', 'a table does not exist', ['check the database and --schema', SEE_VERIFY]]),
  '53000': passing(['insufficient_resources', 'the server lacks a resource', [SEE_SESSIONS, SOON]]),
  '53100': passing([
    'disk_full',
    "the server's disk is full",
    ['free space on the server, or enlarge its disk', again()],
  ]),
  '53200': passing([
    'out_of_memory',
    'the server ran out of memory, or its lock table is full',
    ['end other sessions, or raise max_locks_per_transaction', again()],
  ]),
  '53300': passing([
    'too_many_connections',
    'a connection limit is reached',
    [SEE_CONNECTIONS, again('', 'when some have ended')],
    'too_many_connections',
  ]),
  '53400': passing([
    'configuration_limit_exceeded',
    'a limit of the server is reached, such as temp_file_limit',
    ['raise the limit for this role', again()],
  ]),
  '54000': wrong(['program_limit_exceeded', 'a value is too large for an index or a statement', SEE_TRIGGERS]),
  '55000': wrong([
    'object_not_in_prerequisite_state',
    'an object is not in the state that this needs',
    'the message of the server names the object',
  ]),
  '55006': busy(['object_in_use', 'somebody else uses the object', [SEE_SESSIONS, again()]]),
  '55P03': busy([
    'lock_not_available',
    'a lock was not free in time',
    [chatkeep('status', 'see who holds it, and the statement that ends it'), again()],
    'lock_not_available',
  ]),
  '57014': passing([
    'query_canceled',
    'a statement took longer than statement_timeout',
    again('', 'when the server is less busy'),
    'statement_timeout',
  ]),
  '57P01': passing([
    'admin_shutdown',
    'the server ended the session',
    again('', 'an administrator or a restart ended it'),
    'connection_lost',
  ]),
  '57P02': passing(['crash_shutdown', 'the server restarted after a crash', SOON, 'connection_lost']),
  '57P03': passing(['cannot_connect_now', 'the server is starting up or shutting down', SOON, 'database_not_ready']),
  '57P04': unable([
    'database_dropped',
    'somebody dropped the database',
    ['restore it', or('name another database')],
    'database_does_not_exist',
  ]),
  '57P05': passing(['idle_session_timeout', 'idle_session_timeout ended the session', again(), 'connection_lost']),
  '58030': unable(['io_error', 'the server cannot read or write its files', "look at the server's log and disk"]),
  '58P01': unable(['undefined_file', 'the server lacks one of its files', "look at the server's log and installation"]),
  P0001: wrong(['raise_exception', 'a trigger or function of the application refused it', SEE_TRIGGERS]),
  XX000: wrong(['internal_error', 'the server, or a pooler, met an error of its own', "look at the server's log"]),
  XX001: wrong([
    'data_corrupted',
    'a table of the server is damaged',
    ['stop what writes, and copy the data folder', 'restore from a backup, or ask a specialist'],
  ]),
  XX002: wrong([
    'index_corrupted',
    'an index is damaged',
    sql('REINDEX INDEX CONCURRENTLY name', 'with the name in the message'),
  ]),
}

/** A standby ended a query that kept it from replaying what its primary did. */
const RECOVERY_CONFLICT = passing([
  'serialization_failure',
  'the standby ended the query, because it held up recovery',
  [
    again('', 'in a moment, or name the primary server'),
    or(
      sql(
        [
          'ALTER SYSTEM SET hot_standby_feedback = on',
          "ALTER SYSTEM SET max_standby_streaming_delay = '5min'",
          'SELECT pg_reload_conf()',
        ],
        'on the standby, let queries finish',
      ),
    ),
  ],
  'recovery_conflict',
])

/** What an error of the server means; undefined where only its class is known. */
export const serverStateOf = (error: ServerError): ServerState | undefined =>
  isRecoveryConflict(error) ? RECOVERY_CONFLICT : SERVER_STATES[error.code]

/** The exit code of an error, which depends on more than its SQLSTATE on a standby. */
export const exitCodeOf = (error: ServerError): ExitCode =>
  isRecoveryConflict(error) ? RECOVERY_CONFLICT.exitCode : exitCodeForState(error.code)

/** Classes of errors that pass, or that mean that the database could not be asked, for codes that the table does not have. */
const CLASSES: Readonly<Record<string, ExitCode>> = {
  '08': ExitCode.unreachable,
  '28': ExitCode.unreachable,
  '3D': ExitCode.unreachable,
  '40': ExitCode.busy,
  '53': ExitCode.unreachable,
  '57': ExitCode.unreachable,
  '58': ExitCode.unreachable,
}

/**
 * The exit code of an error that the server reported, whatever command met it. A missing privilege counts as unavailable, like
 * a wrong password: the database could not be asked as this role.
 */
export const exitCodeForState = (sqlState: string): ExitCode =>
  SERVER_STATES[sqlState]?.exitCode ?? CLASSES[sqlState.slice(0, 2)] ?? ExitCode.no
