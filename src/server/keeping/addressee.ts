/** The client or guest of a chat, as far as the server knows. */
export interface ChatContact {
  readonly clientId: number | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
}

/** Whom an address means. */
export interface Addressee {
  /** What an answer is stored with. */
  readonly contact: ChatContact
  /** Where an answer goes; null for a chat that was never written in a conversation: it is stored, and shown in the chat's history. */
  readonly conversation: string | null
  /** The conversations in which the chat was written lately, newest first; of a conversation only itself. */
  readonly conversations: readonly string[]
}
