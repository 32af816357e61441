import type { ExpectedContent } from '../checking/expected-content.js'
import type { Intake } from './intake.js'
import type { KeyedMessage } from '../../transcripts/read-transcript.js'

/** The outcome of one message; any other error is thrown and ends the run. */
export type SendOutcome =
  | { readonly kind: 'saved' }
  /** It was stored before. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'rejected'; readonly reason: string }

/** Sends messages to the database, directly or through a chat server. */
export interface Sender {
  /**
   * Takes messages; those of one conversation stay in order.
   * @param onOutcome called for each message, by its line, once it is stored or refused for good
   */
  open(onOutcome: (line: number, outcome: SendOutcome) => void): Intake<KeyedMessage>
  /** The row that must be found for the message. */
  expectedRow(message: KeyedMessage): Promise<ExpectedContent>
  close(): Promise<void>
}
