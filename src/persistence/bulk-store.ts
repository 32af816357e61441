import { createPool } from '../database/connection.js'
import { withPooledClient, type BorrowLimits } from '../database/pools/pooled-client.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { createPreparedStatements } from '../database/prepared.js'
import { BULK_PARTS, saveInBulk } from './bulk-save.js'
import { StoreUnavailable } from './errors.js'
import { readKeyGuard } from './keys/key-guard.js'
import type { NewChatMessage, SavedChatMessage } from './message.js'
import { createPendingSave, unsettled, type PendingSave } from './pending-save.js'
import { MOST_MESSAGE_BYTES } from './content/message-size.js'
import { prepareMessage } from './prepare-message.js'
import { saveWithRetries } from './retry.js'
import { namesIn } from './sql-names.js'

/** Saves messages by the thousand, each as `saveChatMessage` does. */
export interface BulkStore {
  /**
   * Saves messages in their order.
   * @returns the outcome of each: what `saveChatMessage` resolves to, or the error that it throws
   */
  saveChatMessages(messages: readonly NewChatMessage[]): Promise<readonly PromiseSettledResult<SavedChatMessage>[]>
  close(): Promise<void>
}

const DEADLINE_MS = 10_000

/** A statement of many rows takes its time; a server that does not answer for this long counts as lost. */
const QUERY_TIMEOUT_MS = 60_000

/** Opens a store for large numbers of messages. Connects at the first call. */
export const createBulkStore = (target: ConnectionTarget, applicationName: string): BulkStore => {
  const names = namesIn(target.schema ?? 'public')
  const deadlineMs = Math.max(DEADLINE_MS, target.wait?.limitMs ?? 0)
  const limits: BorrowLimits = { patienceMs: deadlineMs, workMs: 2 * QUERY_TIMEOUT_MS }
  const statements = createPreparedStatements()
  let own: ReturnType<typeof createPool> | undefined

  const saveOnce = async (batch: readonly PendingSave[]): Promise<void> => {
    const pool = (own ??= createPool(target, {
      max: BULK_PARTS,
      application_name: applicationName,
      query_timeout: QUERY_TIMEOUT_MS,
      pins: 'course',
    }))
    await saveInBulk(
      (work) =>
        withPooledClient(pool, limits, async (client) =>
          // Without ON CONFLICT, the insert does not notice that there is no unique index.
          work({ transaction: 'own', client, names, statements, keyGuard: await readKeyGuard(client, names) }),
        ),
      batch,
    )
    if (unsettled(batch).length > 0)
      throw new StoreUnavailable('another transaction holds a row that the message needs', undefined)
  }

  return {
    saveChatMessages: async (messages) => {
      const deadline = Date.now() + deadlineMs
      const pending = messages.map((message) => prepare(message, deadline))
      const outcomes = Promise.allSettled(pending.map(({ outcome }) => outcome))
      await saveWithRetries(
        pending.flatMap(({ save }) => (save === undefined ? [] : [save])),
        saveOnce,
      )
      return outcomes
    },
    close: async () => own?.end(),
  }
}

interface Prepared {
  readonly outcome: Promise<SavedChatMessage>
  /** Undefined for a message that cannot be stored. */
  readonly save?: PendingSave
}

const prepare = (message: NewChatMessage, deadline: number): Prepared => {
  try {
    const save = createPendingSave(prepareMessage(message, MOST_MESSAGE_BYTES), deadline)
    return { outcome: save.outcome, save }
  } catch (error) {
    return { outcome: Promise.reject(error instanceof Error ? error : new Error(String(error))) }
  }
}
