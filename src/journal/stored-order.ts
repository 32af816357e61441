import type { SubmittedMessage } from './submission.js'

/**
 * Keeps the messages of each conversation in order of time. A message whose first attempt hung in a frozen database is stored with
 * the time at which the database resumed, and the messages that waited behind it are older. Uses memory for one number a
 * conversation.
 */
export interface StoredOrder {
  /** The message, with a time not before that of the newest stored message of its conversation. */
  raise<Message extends TimedMessage>(message: Message): Message
  /** Notes the time of a stored message. */
  note(sessionId: string, createdAt: Date): void
}

type TimedMessage = Pick<SubmittedMessage, 'sessionId' | 'createdAt'>

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
