import { setImmediate } from 'node:timers/promises'
import type { Client } from 'pg'
import { withClient } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { NO_SCHEMA } from '../database/missing-schema.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { OperatorError } from '../errors.js'
import { refusePooler, refuseServer } from './check-session.js'
import type { MigrationCommand } from './ledger/runs.js'
import { withOwnNames, type OwnClient } from './own/own-client.js'
import { explainEarlyInterruption } from './running/interrupted-early.js'
import type { MigrationOptions } from './session.js'

const PREVIEW_LIMITS = { statementTimeoutMs: 120_000, lockTimeoutMs: 1_000 }
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
  { signal }: Pick<MigrationOptions, 'signal'>,
  work: (client: Client) => Promise<T>,
): Promise<T> =>
  explainEarlyInterruption(command, signal, 'nothing was changed', () =>
    withClient(
      target,
      { applicationName: `chatkeep ${command} --dry-run`, signal, ...PREVIEW_SESSION },
      async (client) => {
        const result = await work(client)
        // A signal that came during the work is noticed when the event loop gets a turn.
        await setImmediate()
        signal.throwIfAborted()
        return result
      },
    ),
  )

/** Runs work in a read-only snapshot with an empty search path. Takes no migration lock. */
export const withMigrationSnapshot = <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: Pick<MigrationOptions, 'signal'>,
  work: (client: Client) => Promise<T>,
): Promise<T> =>
  withPreviewClient(target, command, options, (client) =>
    inReadOnlySnapshot(client, PREVIEW_LIMITS, () => work(client)),
  )

/**
 * Makes the checks of a run, in their order, before its plan is shown: those of the session, then those of the work.
 * @throws OperatorError the first refusal, unless it is a dry run that can read its plan
 */
export const withMigrationPreview = <T extends Checked>(
  target: ConnectionTarget,
  command: MigrationCommand,
  { schema, signal, dryRun, script = false }: PreviewOptions,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> =>
  withPreviewClient(target, command, { signal }, async (client) => {
    const check = { command, schema, signal }
    const pooler = script ? undefined : await refusalOf(() => refusePooler(client, target, check))
    return inReadOnlySnapshot(client, PREVIEW_LIMITS, async () => {
      const refused = (await refusalOf(() => refuseServer(client, check))) ?? pooler
      if (refused !== undefined && (!dryRun || refused.code === NO_SCHEMA)) throw refused
      const checked = await withRefusal(refused, () => work(withOwnNames(client, schema)))
      const refusal = refused ?? checked.refusal
      if (refusal !== undefined && !dryRun) throw refusal
      return { ...checked, refusal }
    })
  })
