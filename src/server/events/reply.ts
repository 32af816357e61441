import type { OperatorError } from '../../errors.js'

/** What the work of a listener returns. */
export interface Reply {
  /** Fields of the acknowledgement beside `ok`. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** Refuses the event and then runs `afterwards`; a thrown error only refuses it. */
  readonly error?: OperatorError
  /** Runs after the acknowledgement was sent. */
  readonly afterwards?: () => void
}
