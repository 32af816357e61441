import { setImmediate } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { NO_SCHEMA } from '../database/missing-schema.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { READ_LOCK_TIMEOUT_MS, retryWhileLocked } from '../database/waiting/lock-attempts.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { OperatorError } from '../errors.js'
import { refusePooler, refuseServer } from './check-session.js'
import type { MigrationCommand } from './ledger/runs.js'
import { withOwnNames, type OwnClient } from './own/own-client.js'
import { explainEarlyInterruption } from './running/interrupted-early.js'
import type { MigrationOptions } from './session.js'

const PREVIEW_LIMITS = { statementTimeoutMs: 120_000, lockTimeoutMs: READ_LOCK_TIMEOUT_MS }
const PREVIEW_SESSION = { statementTimeoutMs: PREVIEW_LIMITS.statementTimeoutMs, queryTimeoutMs: 130_000 }

export interface PreviewOptions extends MigrationOptions {
  /** Show what the run would be refused for together with the plan, instead of throwing it. */
  readonly dryRun: boolean
  /** The plan becomes a script, which another session runs. */
  readonly script?: boolean | undefined
  /** Describe every statement, as a dry run does. */
  readonly verbose?: boolean | undefined
}

/** What a preview found. */
export interface Checked {
  /** The error that the run would end with before its first change. */
  readonly refusal: OperatorError | undefined
}

/** The error with which a check refuses; undefined if it passes. */
export const refusalOf = async (check: () => Promise<void>): Promise<OperatorError | undefined> => {
  try {
    await check()
    return undefined
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
}

/** Reads what a dry run shows together with a refusal. What cannot be read is no other reason: the refusal comes first. */
export const withRefusal = async <T>(refusal: OperatorError | undefined, read: () => Promise<T>): Promise<T> => {
  try {
    return await read()
  } catch (error) {
    throw refusal ?? error
  }
}

const withPreviewClient = <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: MigrationOptions,
  work: (watched: Queryable, client: Client) => Promise<T>,
): Promise<T> => {
  const { signal } = options
  const session = { applicationName: `chatkeep ${command} --dry-run`, signal, ...PREVIEW_SESSION }
  return explainEarlyInterruption(command, signal, 'nothing was changed', () =>
    withWatchedClient(target, session, options, async (watched, client) => {
      const result = await work(watched, client)
      // A signal that came during the work is noticed when the event loop gets a turn.
      await setImmediate()
      signal.throwIfAborted()
      return result
    }),
  )
}

/** Runs work in a read-only snapshot, and in a new one as long as something that it reads is locked. */
const inPreviewSnapshot = <T>(watched: Queryable, options: MigrationOptions, work: () => Promise<T>): Promise<T> =>
  retryWhileLocked(watched, { ...options, ...PREVIEW_LIMITS }, () =>
    onceMore(() => inReadOnlySnapshot(watched, PREVIEW_LIMITS, work)),
  )

// A snapshot shows a column or table that another session dropped meanwhile, such as a rollback that was killed and whose
// last statement just ended; the next snapshot does not.
const onceMore = async <T>(attempt: () => Promise<T>): Promise<T> => {
  try {
    return await attempt()
  } catch (error) {
    if (!hasSqlState(error, SqlState.undefinedColumn, SqlState.undefinedTable)) throw error
    return attempt()
  }
}

/** Runs work in a read-only snapshot with an empty search path. Takes no migration lock, and waits while something is locked. */
export const withMigrationSnapshot = <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: MigrationOptions,
  work: (watched: Queryable) => Promise<T>,
): Promise<T> =>
  withPreviewClient(target, command, options, (watched) => inPreviewSnapshot(watched, options, () => work(watched)))

/**
 * Makes the checks of a run, in their order, before its plan is shown: those of the session, then those of the work.
 * @throws OperatorError the first refusal, unless it is a dry run that can read its plan
 */
export const withMigrationPreview = <T extends Checked>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: PreviewOptions,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> =>
  withPreviewClient(target, command, options, async (watched, client) => {
    const { dryRun, schema, script = false } = options
    const check = { command, ...options }
    const pooler = script ? undefined : await refusalOf(() => refusePooler(client, target, check))
    return inPreviewSnapshot(watched, options, async () => {
      const refused = (await refusalOf(() => refuseServer(client, check))) ?? pooler
      if (refused !== undefined && (!dryRun || refused.code === NO_SCHEMA)) throw refused
      const checked = await withRefusal(refused, () => work(withOwnNames(watched, schema)))
      const refusal = refused ?? checked.refusal
      if (refusal !== undefined && !dryRun) throw refusal
      return { ...checked, refusal }
    })
  })
