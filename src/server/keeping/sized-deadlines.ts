import { asyncClosable, type NotYetClosable } from '../../closable.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import { sentBytes, storingTimeMs } from '../../persistence/content/storing-time.js'

/**
 * A store whose saves have more time the more bytes are being saved: a large message takes seconds in a database that is healthy, and
 * the others beside it wait for it.
 * @param deadlineMs that of a save among small messages; the store's own
 */
export const withSizedDeadlines = (store: ChatStore, deadlineMs: number): ChatStore => {
  let bytesUnderWay = 0
  return asyncClosable<NotYetClosable<ChatStore>>({
    ...store,
    saveChatMessage: async (message, options) => {
      const bytes = sentBytes(message)
      bytesUnderWay += bytes
      try {
        const moreMs = storingTimeMs(bytesUnderWay)
        return await store.saveChatMessage(
          message,
          moreMs === 0 ? options : { deadlineMs: deadlineMs + moreMs, ...options },
        )
      } finally {
        bytesUnderWay -= bytes
      }
    },
  })
}
