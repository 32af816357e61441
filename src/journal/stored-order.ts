import type { JournalEntry } from './journal-line.js'

/**
 * Keeps the order of each conversation for those who read it by time. A message whose first attempt was under way in a frozen
 * database is stored with the time of the thaw; what waited behind it came earlier than that. Holds one number a conversation.
 */
export interface StoredOrder {
  /** The message, no earlier than what is stored before it in its conversation. */
  raise(message: JournalEntry['message']): JournalEntry['message']
  /** A message of the conversation is stored, with this time. */
  note(sessionId: string, createdAt: Date): void
}

export const createStoredOrder = (): StoredOrder => {
  const newest = new Map<string, number>()
  return {
    raise: (message) => {
      const least = newest.get(message.sessionId) ?? -Infinity
      return +(message.createdAt ?? Infinity) >= least ? message : { ...message, createdAt: new Date(least) }
    },
    note: (sessionId, createdAt) => {
      newest.set(sessionId, Math.max(newest.get(sessionId) ?? -Infinity, +createdAt))
    },
  }
}
