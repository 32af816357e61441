import type { Intake } from './intake.js'
import type { KeyedMessage } from './read-transcript.js'

/** What became of one message; anything else that goes wrong is thrown and ends the run. */
export type SendOutcome =
  | { readonly kind: 'saved' }
  /** It was there already. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'rejected'; readonly reason: string }

/** A way for messages into the database. */
export interface Sender {
  /**
   * Takes messages; those of one conversation stay in order.
   * @param onOutcome told for each message, by its line, that it is kept or never will be
   */
  open(onOutcome: (line: number, outcome: SendOutcome) => void): Intake<KeyedMessage>
  /** The row that the message has to be found as. */
  expectedRow(message: KeyedMessage): Promise<ExpectedContent>
  close(): Promise<void>
}

/** What must be stored for a message. */
export interface ExpectedContent {
  readonly idempotencyKey: string
  readonly senderType: 'CLIENT' | 'OPERATOR'
  /** TEXT when absent. */
  readonly messageType?: 'TEXT' | 'IMAGE'
  readonly text: string | null
  /** None when absent, like the two that follow. */
  readonly imageUrl?: string | null
  readonly imageName?: string | null
  readonly mimeType?: string | null
  readonly guestUsername: string
  readonly sessionId: string
  /** Null where it is not the transcript's to say. */
  readonly createdAt: Date | null
  /** Absent where it is not the transcript's to say. */
  readonly guestPhone?: string | null
  /** Null for guests, and for operators who are not in "User". */
  readonly operatorId: number | null
}
