import type { Queryable } from '../database/connection.js'
import { isDatabaseUnavailable } from '../database/connection-error.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { pinTransaction } from '../database/pinned-settings.js'
import { refuseReadOnly } from '../database/read-only.js'
import { BEGIN, inTransaction } from '../database/transaction.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import {
  beginWithShortLocks,
  READ_LOCK_TIMEOUT_MS,
  retryWhileLocked,
  type LockWaitOptions,
} from '../database/waiting/lock-attempts.js'
import { createReplicaPace } from '../database/waiting/replica-lag.js'
import { createWaitBudget } from '../database/waiting/wait-budget.js'
import type { WaitEvent } from '../database/waiting/wait-events.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { interruptedBy, OperatorError, withDetail } from '../errors.js'
import { again } from '../next-step.js'
import { DEFAULT_BATCH_SIZE, type BatchSession } from '../persistence/erasure/delete-messages.js'
import { refuseDuringMigration } from '../persistence/erasure/migration-running.js'
import { openErasureTables, type ErasureNeeds } from '../persistence/erasure/open-tables.js'
import type { ErasureTables } from '../persistence/erasure/tables.js'
import { explainMissingSchema } from '../persistence/errors.js'
import { count } from '../terminal/render.js'
import type { Terminal } from '../terminal/terminal.js'

/** The flags of commands that delete in batches. */
export interface BatchFlags {
  /** Milliseconds. */
  readonly maxWait: number
  readonly maxReplicaLag: number
  readonly batchSize?: number | undefined
}

/** The command, and what it needs of the tables. */
export interface ErasureCommand extends ErasureNeeds {
  readonly name: 'retain' | 'erase' | 'export'
}

/** Deleting fires the application's triggers, which may need its settings. */
const PINS = 'rows'

/** Shorter than the server's deadlock_timeout (1 s): if a writer and we wait for each other, we give way. */
const BATCH_LOCK_TIMEOUT_MS = 200

const BEGIN_BATCH = `${BEGIN}; ${pinTransaction(PINS)}`
const BEGIN_READING = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${pinTransaction(PINS)}; SET LOCAL lock_timeout = ${READ_LOCK_TIMEOUT_MS}`

/** A connection, the tables that it found, and its waits. */
interface Opened {
  readonly watched: Queryable
  readonly tables: ErasureTables
  readonly waits: LockWaitOptions
}

const withOpened = <T>(
  target: ConnectionTarget,
  command: ErasureCommand,
  { maxWait }: Pick<BatchFlags, 'maxWait'>,
  { signal, progress }: Pick<Terminal, 'signal' | 'progress'>,
  work: (opened: Opened) => Promise<T>,
): Promise<T> => {
  const onEvent = (event: WaitEvent): void => progress.update(describeWait(event))
  const session = { applicationName: `chatkeep ${command.name}`, signal, pins: PINS } as const
  const waits = { lockTimeoutMs: BATCH_LOCK_TIMEOUT_MS, maxWait: createWaitBudget(maxWait), signal, onEvent }
  return withWatchedClient(target, session, { showQueries: false, onEvent }, async (watched, client) => {
    const schema = target.schema ?? 'public'
    try {
      await refuseMissingSchema(client, schema)
      const tables = await openErasureTables(client, schema, command)
      return await work({ watched, tables, waits })
    } catch (error) {
      throw explainMissingSchema(error)
    }
  })
}

/** Reads in one read-only snapshot. */
export const withErasureSnapshot = <T>(
  target: ConnectionTarget,
  command: ErasureCommand,
  flags: Pick<BatchFlags, 'maxWait'>,
  terminal: Pick<Terminal, 'signal' | 'progress'>,
  work: (client: Queryable, tables: ErasureTables) => Promise<T>,
): Promise<T> =>
  withOpened(target, command, flags, terminal, ({ watched, tables, waits }) =>
    retryWhileLocked(watched, waits, () => inTransaction(watched, () => work(watched, tables), BEGIN_READING)),
  )

/**
 * Deletes in batches, each in a transaction of its own. When the work ends early, its error says how much is done.
 * @param work gets the batches, and a connection for what is read between them
 */
export const withErasureBatches = <T>(
  target: ConnectionTarget,
  command: ErasureCommand,
  flags: BatchFlags,
  terminal: Pick<Terminal, 'signal' | 'progress'> & { readonly onDeleted: (sum: number) => void },
  work: (session: BatchSession, tables: ErasureTables) => Promise<T>,
): Promise<T> => {
  let sum = 0
  const { signal } = terminal
  return withOpened(target, command, flags, terminal, async ({ watched, tables, waits }) => {
    await refuseReadOnly(watched)
    const pace = createReplicaPace(flags.maxReplicaLag, waits)
    const session: BatchSession = {
      batchSize: flags.batchSize ?? DEFAULT_BATCH_SIZE,
      signal,
      onDeleted: (messages) => terminal.onDeleted((sum += messages)),
      betweenBatches: () => pace.betweenBatches(watched),
      runBatch: async (batch) => {
        const result = await beginWithShortLocks(watched, BEGIN_BATCH, waits, async () => {
          await refuseDuringMigration(watched)
          return batch(watched)
        })
        await watched.query('COMMIT')
        return result
      },
    }
    return work(session, tables)
  }).catch((error: unknown) => {
    throw endedEarly(error, command.name, signal, sum)
  })
}

/** The same error, with how far the deletion came. */
const endedEarly = (error: unknown, name: string, signal: AbortSignal, sum: number): unknown => {
  const deleted = `${count(sum, 'message')} ${sum === 1 ? 'is' : 'are'} deleted`
  if (signal.aborted)
    return interruptedBy(signal, (ended) => `${name} was ${ended}`, {
      details: [`state: ${deleted}`],
      hint: again('', CONTINUES),
      cause: error,
    })
  if (!(error instanceof OperatorError)) return error
  const { next } = error
  // The answer to a COMMIT may be what was lost.
  if (isDatabaseUnavailable(error))
    return withDetail(error, `state: at least ${deleted}; the same command continues where it stopped`)
  return withDetail(error, `state: ${deleted}`, next.length === 0 ? again('', CONTINUES) : next)
}

const CONTINUES = 'it continues where it stopped'
