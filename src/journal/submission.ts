import type { NewChatMessage } from '../persistence/message.js'

/** A message for the core, with a conversation and an idempotency key. */
export type SubmittedMessage = NewChatMessage & { readonly sessionId: string; readonly idempotencyKey: string }

/** A message to be kept, with what is needed to announce it. */
export interface Submission {
  readonly message: SubmittedMessage
  /** The sender's own name for the message. */
  readonly messageId: string
  /** False while the contact of the conversation is unknown (an operator's message); it is looked up before the message is stored. */
  readonly contactKnown: boolean
  /** Size of an image in bytes, as claimed by the sender; not stored. */
  readonly size: number | null
  /** Null for a guest's message. */
  readonly operatorName: string | null
  readonly senderSocketId: string
}
