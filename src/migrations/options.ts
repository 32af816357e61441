import { resolve } from 'node:path'
import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import type { Terminal } from '../terminal/terminal.js'
import { createWaitBudget } from '../database/waiting/wait-budget.js'
import { createReplicaPace } from '../database/waiting/replica-lag.js'
import type { MigrationEvent } from './running/events.js'
import { describeEvent } from './running/describe-event.js'
import { shippedMigrations } from './ledger/migration-files.js'
import type { MigrationOptions } from './session.js'

/** The flags that `migrate` and `rollback` share, with their defaults. */
export interface MigrationFlags {
  readonly migrations?: string | undefined
  readonly lockTimeout: number
  readonly maxWait: number
  readonly maxReplicaLag: number
  readonly statementTimeout: number
  readonly showQueries?: true | undefined
  readonly verbose?: true | undefined
  readonly planHash?: string | undefined
  /** Creates the application's tables in a database that has none. */
  readonly createTables?: true | undefined
}

/** The database, as named in JSON documents. */
export interface Subject {
  readonly database: string
  /** For display, without the password. */
  readonly target: string
}

/** Names the database of a target. */
export const describeSubject = (target: ConnectionTarget): Subject => ({
  database: target.database,
  target: describeTarget(target),
})

/** Combines flags, target and terminal into the options of a migrate or rollback. */
export const toMigrationOptions = (
  flags: MigrationFlags,
  { schema = 'public' }: Pick<ConnectionTarget, 'schema'>,
  { cwd, signal, progress }: Pick<Terminal, 'cwd' | 'signal' | 'progress'>,
): MigrationOptions => {
  const waits = {
    maxWait: createWaitBudget(flags.maxWait),
    signal,
    onEvent: (event: MigrationEvent) => progress.update(describeEvent(event)),
  }
  return {
    ...waits,
    replicas: createReplicaPace(flags.maxReplicaLag, waits),
    folder: flags.migrations === undefined ? shippedMigrations() : resolve(cwd, flags.migrations),
    schema,
    lockTimeoutMs: flags.lockTimeout,
    statementTimeoutMs: flags.statementTimeout,
    showQueries: flags.showQueries === true,
    planHash: flags.planHash,
    createTables: flags.createTables === true,
  }
}
