import type { NewChatMessage } from '../persistence/message.js'

/** What the core is to keep: always in a conversation, always under a key. */
export type SubmittedMessage = NewChatMessage & { readonly sessionId: string; readonly idempotencyKey: string }

/** A message on its way to be kept, and what is needed to tell the others of it. */
export interface Submission {
  readonly message: SubmittedMessage
  /** The sender's own name for the message. */
  readonly messageId: string
  /** False while it is not known whose conversation an operator writes into; then it is found out before the message is stored. */
  readonly contactKnown: boolean
  /** Bytes of an image as the sender claims them; the core does not keep it. */
  readonly size: number | null
  /** Null for a guest's message. */
  readonly operatorName: string | null
  readonly senderSocketId: string
}
