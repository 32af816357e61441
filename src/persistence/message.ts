export const SENDER_TYPES = ['CLIENT', 'OPERATOR'] as const
export const MESSAGE_TYPES = ['TEXT', 'IMAGE'] as const

export type SenderType = (typeof SENDER_TYPES)[number]
export type MessageType = (typeof MESSAGE_TYPES)[number]

/** A message to save. */
export interface NewChatMessage {
  /** Database id of a registered client. */
  readonly clientId?: number | null | undefined
  /** The guest's name: trimmed, normalised to NFC, at most 255 characters, case-sensitive. */
  readonly guestUsername?: string | null | undefined
  /** Stored as given, on the message only: nobody has proved it. */
  readonly guestPhone?: string | null | undefined
  readonly clientSocketId?: string | null | undefined
  readonly senderType: SenderType
  readonly operatorId?: number | null | undefined
  readonly messageType: MessageType
  /** Required for TEXT. */
  readonly text?: string | null | undefined
  /** A URL or a data URL. Required for IMAGE. */
  readonly imageUrl?: string | null | undefined
  readonly imageName?: string | null | undefined
  readonly mimeType?: string | null | undefined
  /** Identifies the conversation. */
  readonly sessionId?: string | null | undefined
  /** Unique forever: the same key with the same body is saved once. Generated when absent. */
  readonly idempotencyKey?: string | null | undefined
  /** The database's clock when absent. Millisecond precision. */
  readonly createdAt?: Date | null | undefined
}

/** A saved message, returned after the commit. */
export interface SavedChatMessage {
  readonly id: number
  /** Null when no client could be resolved; `chatkeep verify` counts such messages. */
  readonly clientId: number | null
  readonly createdAt: Date
  readonly idempotencyKey: string
  /** The message was already stored; nothing was written. */
  readonly duplicate: boolean
  /** The message's `clientId`, where no client has it: the message is stored without client. */
  readonly unknownClientId?: number
  /**
   * With `unknownClientId`: whether chatkeep keeps that id, so that `chatkeep reconcile` links the message once the client is there.
   * False where its table for that is missing, or closed to the store's role.
   */
  readonly waitsForClient?: boolean
  /** The message's `operatorId`, where no operator has it: the message is stored without operator, and stays so. */
  readonly unknownOperatorId?: number
  /** This save created the client. */
  readonly clientCreated: boolean
  /** Stored as written under the name of a registered client, without proof of identity. */
  readonly guestUnverified: boolean
}

/** A stored message. Times are instants, independent of the time zones of server, session and process. */
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
  /** Written under the name of a registered client, without proof of identity. */
  readonly guestUnverified: boolean
}
