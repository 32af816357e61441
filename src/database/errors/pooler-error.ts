import { ExitCode } from '../../errors.js'
import { again, or, type Next } from '../../next-step.js'
import { SqlState, type ServerError } from '../sql-state.js'

/** What a pooler says of its own accord, in our words. */
export interface PoolerAnswer {
  readonly code: string
  readonly message: string
  readonly hint: Next
  readonly exitCode: ExitCode
  readonly retryable?: boolean
}

const unavailable = { exitCode: ExitCode.unreachable, retryable: true }

const NAME_THE_SERVER = 'name the direct address of the server in DIRECT_URL or --database-url'

// The only place that decides on the text of an error: PgBouncer gives most of its own the SQLSTATE 08P01, Supavisor and
// pgpool-II XX000. They write English whatever the server's language is.
const ANSWERS: readonly (readonly [RegExp, PoolerAnswer])[] = [
  [
    /query_wait_timeout$|^unable to check out/i,
    {
      ...unavailable,
      code: 'too_many_connections',
      message: 'no server connection of the pooler became free in time',
      hint: ['end long transactions, or raise pool_size and query_wait_timeout of the pooler', again()],
    },
  ],
  [
    /^no more connections allowed|^client connections exceeded|^max client connections reached|MaxClientsInSessionMode/i,
    {
      ...unavailable,
      code: 'too_many_connections',
      message: 'the connection limit of the pooler is reached',
      hint: ['end idle clients of the pooler, or raise its limit (max_client_conn)', again()],
    },
  ],
  [
    /^server login |^pgbouncer cannot connect to server|^client_login_timeout/i,
    {
      ...unavailable,
      code: 'database_unreachable',
      message: 'the pooler cannot connect to the server',
      hint: ['check that the server runs, and the log of the pooler', again()],
    },
  ],
  [
    /^(server |pooler )?shut(ting)? ?down|^database (removed|configuration changed)/i,
    {
      ...unavailable,
      code: 'connection_lost',
      message: 'the pooler ended the session',
      hint: again('', 'an administrator or a restart ended it'),
    },
  ],
  [
    /^client_idle_timeout|^(idle )?transaction timeout|query[_ ]timeout$/i,
    {
      ...unavailable,
      code: 'connection_lost',
      message: 'a time-out of the pooler ended the session',
      hint: ['raise that time-out of the pooler', again()],
    },
  ],
  [
    /^server (conn crashed|idle timeout|lifetime)/i,
    {
      ...unavailable,
      code: 'connection_lost',
      message: 'the pooler lost its connection to the server',
      hint: again('', 'in a moment'),
    },
  ],
  [
    /^unable to read message kind|^kind mismatch among backends/i,
    {
      ...unavailable,
      code: 'connection_lost',
      message: 'the servers behind pgpool-II answered differently, as when a standby lags behind',
      hint: ['wait until the standbys have caught up', again()],
    },
  ],
  [
    /^no such database/i,
    {
      code: 'database_does_not_exist',
      message: 'the pooler knows no such database',
      hint: 'check the name in the URL, and the databases of the pooler',
      exitCode: ExitCode.unreachable,
    },
  ],
  [
    /^no such user|^tenant or user not found|^login rejected/i,
    {
      code: 'authentication_failed',
      message: 'the pooler does not know the role',
      hint: 'check the role in the URL, and the users of the pooler',
      exitCode: ExitCode.unreachable,
    },
  ],
  [
    /^unsupported startup parameter/i,
    {
      code: 'invalid_connection_setting',
      message: 'the pooler does not accept a start-up parameter',
      hint: 'remove PGOPTIONS, or options in the URL, or add it to ignore_startup_parameters of the pooler',
      exitCode: ExitCode.usage,
    },
  ],
  [
    /^transaction blocks not allowed/i,
    {
      code: 'connection_pooler',
      message: 'PgBouncer pools statements (pool_mode = statement), so there are no transactions',
      hint: ['set pool_mode = transaction in the configuration of PgBouncer', or(NAME_THE_SERVER)],
      exitCode: ExitCode.refused,
    },
  ],
]

/** Whether a pooler refuses transactions, and will: no retry helps. */
export const refusesTransactions = (error: ServerError): boolean => poolerAnswer(error)?.code === 'connection_pooler'

/** The SQLSTATE codes of errors that may be a pooler's own. */
const POOLER_STATES: readonly string[] = [SqlState.protocolViolation, SqlState.internalError]

/** What an error of a pooler means; undefined for errors of the server, and for those that are not known. */
export const poolerAnswer = ({ code, message }: ServerError): PoolerAnswer | undefined =>
  POOLER_STATES.includes(code) ? ANSWERS.find(([pattern]) => pattern.test(message))?.[1] : undefined
