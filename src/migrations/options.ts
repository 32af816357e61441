import { resolve } from 'node:path'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { OnMigrationEvent } from './running/events.js'
import { shippedMigrations } from './ledger/migration-files.js'
import type { MigrationOptions } from './session.js'

/** The flags that `migrate` and `rollback` share, as they were given or by default. */
export interface MigrationFlags {
  readonly migrations?: string | undefined
  readonly lockTimeout: number
  readonly maxWait: number
  readonly statementTimeout: number
  readonly showQueries?: true | undefined
  readonly planHash?: string | undefined
}

interface Surroundings {
  /** Where a relative folder of migrations begins. */
  readonly cwd: string
  readonly signal: AbortSignal
  readonly onEvent: OnMigrationEvent
}

export const toMigrationOptions = (
  flags: MigrationFlags,
  { schema = 'public' }: Pick<ConnectionTarget, 'schema'>,
  { cwd, signal, onEvent }: Surroundings,
): MigrationOptions => ({
  folder: flags.migrations === undefined ? shippedMigrations() : resolve(cwd, flags.migrations),
  schema,
  lockTimeoutMs: flags.lockTimeout,
  maxWaitMs: flags.maxWait,
  statementTimeoutMs: flags.statementTimeout,
  showQueries: flags.showQueries === true,
  planHash: flags.planHash,
  signal,
  onEvent,
})
