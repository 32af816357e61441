import type { ExpectedContent } from '../checking/expected-content.js'
import type { Intake } from './intake.js'
import type { KeyedMessage } from '../../transcripts/read-transcript.js'

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
