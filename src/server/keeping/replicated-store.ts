import { asyncClosable, type NotYetClosable } from '../../closable.js'
import { createPool } from '../../database/connection.js'
import { withPooledClient } from '../../database/pools/pooled-client.js'
import { failureReason } from '../../database/connection-failure.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { readCommitState, whyNotReplicated } from '../../database/replication/commit-state.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import { NotReplicated, StoreUnavailable } from '../../persistence/errors.js'

/** How long the look at the standbys waits for a connection, and for its answer. */
const LIMITS = { patienceMs: 1_000, workMs: 1_000 }

/**
 * A store that saves and acknowledges a message only while the database has the synchronous standbys that it waits for. It looks
 * before a save and again after it, because `synchronous_standby_names` can be emptied at any time; calls share a look.
 * A message that is refused after its save is stored, and a resend finds it.
 */
export const requireReplication = (store: ChatStore, target: ConnectionTarget, applicationName: string): ChatStore => {
  const pool = createPool(target, {
    max: 1,
    application_name: applicationName,
    query_timeout: LIMITS.workMs,
    pins: 'course',
  })
  const look = shareNext(async () => {
    const state = await withPooledClient(pool, LIMITS, readCommitState).catch((error: unknown) => {
      throw new StoreUnavailable(failureReason(error), error)
    })
    const reason = whyNotReplicated(state)
    if (reason !== undefined) throw new NotReplicated(reason)
  })
  return asyncClosable<NotYetClosable<ChatStore>>({
    ...store,
    saveChatMessage: async (message, options) => {
      await look()
      const saved = await store.saveChatMessage(message, options)
      await look()
      return saved
    },
    checkReady: async (options) => {
      await look()
      await store.checkReady(options)
    },
    close: async (patienceMs) => {
      await store.close(patienceMs)
      await pool.end()
    },
  })
}

/** Calls share the next run: one that is under way may have looked too early. */
const shareNext = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const start = async (): Promise<void> => {
    await running.catch(() => undefined)
    next = undefined
    running = work()
    await running
  }
  return () => (next ??= start())
}
