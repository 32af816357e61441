import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { ChatStore } from '../../src/index.js'
import { findThenInsert } from './application-sql.js'
import { checkFailed } from './check-failed.js'

const notMeasured = (): never => {
  throw checkFailed('only saving is measured')
}

/** What an application does at the least: for each message look for the client, make one where there is none, and one INSERT. */
export const insertingStore = (pool: Pool): ChatStore => ({
  maxMessageBytes: 1_048_576,
  idempotencyScope: 'all',
  saveChatMessage: async (message) => {
    const { guestUsername, sessionId, idempotencyKey } = message
    if (guestUsername == null || sessionId == null) return notMeasured()
    const key = idempotencyKey ?? randomUUID()
    const { id, createdAt, clientId } = await findThenInsert(pool, {
      ...message,
      guestUsername,
      sessionId,
      idempotencyKey: key,
    })
    return {
      id,
      clientId,
      createdAt,
      idempotencyKey: key,
      duplicate: false,
      clientCreated: false,
      guestUnverified: false,
    }
  },
  onMessage: notMeasured,
  getChatHistory: notMeasured,
  getRecentChats: notMeasured,
  markMessagesAsRead: notMeasured,
  findChat: notMeasured,
  renameClient: notMeasured,
  mergeClients: notMeasured,
  editMessage: notMeasured,
  deleteMessage: notMeasured,
  getInactiveOperators: notMeasured,
  getOperatorNames: notMeasured,
  getUnreadCount: notMeasured,
  deleteMessagesBefore: notMeasured,
  eraseContact: notMeasured,
  exportContact: notMeasured,
  checkReady: notMeasured,
  [Symbol.asyncDispose]: notMeasured,
  getLoad: notMeasured,
  close: () => Promise.resolve(),
})
