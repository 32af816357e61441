export const SENDER_TYPES = ['CLIENT', 'OPERATOR'] as const
export const MESSAGE_TYPES = ['TEXT', 'IMAGE'] as const

export type SenderType = (typeof SENDER_TYPES)[number]
export type MessageType = (typeof MESSAGE_TYPES)[number]

/** What a caller hands in to be kept. */
export interface NewChatMessage {
  /** Database id of a registered client. */
  readonly clientId?: number | null | undefined
  /** The name a guest gave. Outer white space is trimmed and the rest brought to NFC; at most 255 characters; case matters. */
  readonly guestUsername?: string | null | undefined
  /** Kept as given; given to a new client only while no other client has it. */
  readonly guestPhone?: string | null | undefined
  readonly clientSocketId?: string | null | undefined
  readonly senderType: SenderType
  readonly operatorId?: number | null | undefined
  readonly messageType: MessageType
  /** Must not be empty for TEXT. */
  readonly text?: string | null | undefined
  /** A URL or a data URL; must not be empty for IMAGE. */
  readonly imageUrl?: string | null | undefined
  readonly imageName?: string | null | undefined
  readonly mimeType?: string | null | undefined
  /** Names the conversation. */
  readonly sessionId?: string | null | undefined
  /** Unique for ever; the same key with the same body is saved once. Made by the store when absent. */
  readonly idempotencyKey?: string | null | undefined
  /** Defaults to the database's clock. Kept to the millisecond. */
  readonly createdAt?: Date | null | undefined
}

/** The answer to a save; given only after the commit. */
export interface SavedChatMessage {
  readonly id: number
  /** Null when no client could be resolved; `chatkeep verify` counts such messages. */
  readonly clientId: number | null
  readonly createdAt: Date
  readonly idempotencyKey: string
  /** The message was there already; nothing was written. */
  readonly duplicate: boolean
  /** This save made the client. */
  readonly clientCreated: boolean
}

/** A stored message. Times are instants, whatever time zones the server, the session and this process are set to. */
export interface ChatMessage {
  readonly id: number
  readonly createdAt: Date
  readonly clientId: number | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
  readonly clientSocketId: string | null
  readonly senderType: SenderType
  readonly operatorId: number | null
  readonly messageType: MessageType
  readonly text: string | null
  readonly imageUrl: string | null
  readonly imageName: string | null
  readonly mimeType: string | null
  readonly isRead: boolean
  readonly readAt: Date | null
  readonly sessionId: string | null
  readonly idempotencyKey: string | null
  /** Written under the name of a registered client, without proof that it was that client. */
  readonly guestUnverified: boolean
}
