import type { ChatStore } from '../../persistence/chat-store.js'

/** What draining a journal needs of a store. */
export type DrainedStore = Pick<ChatStore, 'saveChatMessage' | 'checkReady' | 'findChat' | 'getChatHistory'>

/** A store whose calls end when the signal fires: a save may have stored its message then. */
export const storeUntil = (store: DrainedStore, signal: AbortSignal): DrainedStore => ({
  saveChatMessage: (message, options) => store.saveChatMessage(message, { ...options, signal }),
  checkReady: (options) => store.checkReady({ ...options, signal }),
  findChat: (address, options) => store.findChat(address, { ...options, signal }),
  getChatHistory: (query, options) => store.getChatHistory(query, { ...options, signal }),
})
