import type { QueryResult } from 'pg'
import { COMMIT_LOCALLY, COMMIT_SESSION_LOCALLY } from '../database/durability/commit-locally.js'
import { pinSessionAgain } from '../database/pinned-settings.js'
import type { OwnClient } from './own/own-client.js'
import { withApplicationPath } from './running/application-path.js'
import type { OnMigrationEvent } from './running/events.js'
import { runStatements } from './running/run-statements.js'
import type { LockWaitOptions } from '../database/waiting/lock-attempts.js'
import type { ReplicaPace } from '../database/waiting/replica-lag.js'

export interface RunFileOptions extends LockWaitOptions {
  readonly onEvent: OnMigrationEvent
  readonly statementTimeoutMs: number
  readonly replicas: ReplicaPace
}

/**
 * Runs a migration or rollback file. Settings and roles that it sets end with it: what follows, first of all its row in the
 * history, is written in the session as it was. No lock of its statements is kept while a standby is waited for.
 * @param scope `transaction` in the caller's, `session` outside of one
 */
export const runFile = async (
  client: OwnClient,
  scope: 'session' | 'transaction',
  file: { readonly title: string; readonly sql: string },
  options: RunFileOptions,
): Promise<QueryResult> => {
  if (scope === 'session') {
    await options.replicas.untilQuiet(client)
    await client.query(COMMIT_SESSION_LOCALLY)
  }
  const result = await withApplicationPath(client, scope, () => runStatements(client, file, options))
  await restoreSession(client, scope, options)
  return result
}

/** Ends what a file has set. */
const restoreSession = async (
  client: OwnClient,
  scope: 'session' | 'transaction',
  options: RunFileOptions,
): Promise<void> => {
  await client.query(
    [
      'RESET SESSION AUTHORIZATION',
      'RESET ROLE',
      'RESET ALL',
      pinSessionAgain('all', options.statementTimeoutMs),
      // The rest of the transaction is as its beginning was.
      ...(scope === 'transaction' ? [`SET LOCAL lock_timeout = ${options.lockTimeoutMs}`, COMMIT_LOCALLY] : []),
    ].join('; '),
  )
}

/** Runs one statement outside of a transaction, as those of a file are. */
export const runAlone = async (client: OwnClient, sql: string, options: RunFileOptions): Promise<void> => {
  await options.replicas.untilQuiet(client)
  await client.query(COMMIT_SESSION_LOCALLY)
  await withApplicationPath(client, 'session', () => client.query(sql))
  await restoreSession(client, 'session', options)
}
