import { randomBytes } from 'node:crypto'
import { withClient } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { serverProcessId } from '../database/pooler.js'
import { refusePooler, refuseServer } from './check-session.js'
import type { MigrationCommand } from './ledger/runs.js'
import { withOwnNames, type RunClient } from './own/own-client.js'
import type { OnMigrationEvent } from './running/events.js'
import { explainEarlyInterruption } from './running/interrupted-early.js'
import { withMigrationLock } from './running/migration-lock.js'
import { limitStandbyWaits, watchCommits } from './running/standby-wait.js'
import type { LockWaitOptions } from '../database/waiting/lock-attempts.js'
import type { ReplicaPace } from '../database/waiting/replica-lag.js'
import { withWatch } from '../database/waiting/watch-session.js'

/** Time-outs, files and reporting of one migrate or rollback. */
export interface MigrationOptions extends LockWaitOptions {
  /** Keeps the run from getting too far ahead of the standbys. */
  readonly replicas: ReplicaPace
  /** Limit of one statement. A concurrent build that hits it leaves an INVALID index, which the next run rebuilds. */
  readonly statementTimeoutMs: number
  readonly onEvent: OnMigrationEvent
  /** Shows the query text of blocking sessions, which may contain personal data. */
  readonly showQueries: boolean
  /** Hash of the approved plan; any other plan is refused. */
  readonly planHash?: string | undefined
  /** Whether a database without the application's tables gets them; otherwise it is refused. */
  readonly createTables: boolean
  /** Folder of the migration files. */
  readonly folder: string
  readonly schema: string
}

/**
 * Runs work on a dedicated connection that holds the migration lock, with an empty search path and without the
 * role's own time-outs. A second connection watches it. Its application_name is unique to this run.
 * @throws OperatorError what the checks of `check-session.ts` throw
 */
export const withMigrationSession = async <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: MigrationOptions,
  work: (client: RunClient) => Promise<T>,
): Promise<T> => {
  const applicationName = `chatkeep ${command} ${randomBytes(4).toString('hex')}`
  const { statementTimeoutMs } = options
  const { signal, onEvent } = limitStandbyWaits(options)
  return explainEarlyInterruption(command, options.signal, 'no migration was begun', () =>
    withClient(target, { applicationName, signal, statementTimeoutMs }, async (client) => {
      const check = { command, ...options }
      await refuseServer(client, check)
      await refusePooler(client, target, check)
      const pid = await serverProcessId(client)
      return withMigrationLock(client, options, () =>
        withWatch(client, target, { ...options, onEvent, pid }, (watched) => {
          const { query, confirm } = watchCommits(client, watched, { command, signal })
          return work({ ...withOwnNames({ query }, options.schema), confirm })
        }),
      )
    }),
  )
}
