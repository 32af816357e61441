import { explainDatabaseError } from '../database/connection-error.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { createChatStore } from '../persistence/chat-store.js'
import { StoreUnavailable } from '../persistence/errors.js'

/** The name of a conversation that nobody has. */
const NO_CONVERSATION = '-'

/**
 * Finds out, without retries, whether the database answers and has the columns that the core needs.
 * Asks for one conversation, which costs the same whatever the database holds.
 * @throws OperatorError naming the database when it cannot be reached; SchemaNotReady when it was not migrated
 */
export const checkDatabase = async (target: ConnectionTarget, applicationName: string): Promise<void> => {
  const store = createChatStore({ target }, { applicationName, deadlineMs: 0 })
  try {
    await store.getChatHistory({ sessionId: NO_CONVERSATION, limit: 1 })
  } catch (error) {
    throw explainDatabaseError(error instanceof StoreUnavailable ? error.cause : error, target)
  } finally {
    await store.close()
  }
}
