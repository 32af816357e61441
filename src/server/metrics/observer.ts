import type { ErrorCode } from '../../protocol/error-codes.js'
import type { LimitName } from '../protection/limits.js'

/** What became of a message that a client sent. */
export type MessageOutcome =
  /** Stored now. */
  | 'committed'
  /** Stored before, under the same key. */
  | 'duplicate'
  /** In the journal. */
  | 'queued'
  /** Refused because of the message, its sender or a limit of theirs. */
  | 'rejected'
  /** Refused because of the server or its database. */
  | 'failed'
  /** Of a socket whose join was refused, or that left before its join was answered: nobody waits for an answer. */
  | 'dropped'

/** What became of a message that was in the journal. */
export type DrainOutcome = 'stored' | 'duplicate' | 'rejected'

/** Is told what happens to messages. Every call is made where the thing happens, so that a message that gets lost between two of them shows. */
export interface ServerObserver {
  /** A message arrived. */
  received(): void
  /** The outcome of a message is decided. */
  decided(outcome: MessageOutcome): void
  /** Nothing more will be done with a message. */
  left(): void
  /** A message was acknowledged, with success or with an error. */
  acknowledged(isOk: boolean, elapsedMs: number): void
  /** The database took a message of the journal, or refused it for good. */
  drained(outcome: DrainOutcome): void
  /** An event was answered with an error. */
  refused(code: ErrorCode): void
  /** A limit took effect. */
  limited(limit: LimitName): void
}

const nothing = (): void => undefined

export const UNOBSERVED: ServerObserver = {
  received: nothing,
  decided: nothing,
  left: nothing,
  acknowledged: nothing,
  drained: nothing,
  refused: nothing,
  limited: nothing,
}
