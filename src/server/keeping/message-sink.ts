import type { ChatLog } from '../../chat-log.js'
import type { OperatorError } from '../../errors.js'
import type { Submission } from '../../journal/submission.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import type { ServerObserver } from '../metrics/observer.js'
import type { Presence } from './addressee.js'
import type { DestinationFinder, Kept } from './destinations.js'
import type { JournalState } from './journal-health.js'
import type { SinkMode } from './sink-mode.js'

/** Where a message was kept: in the database, or for now in the journal. */
export type KeepOutcome =
  | ({ readonly queued: false } & Kept)
  /** `reason` is the code of what keeps it out of the database. */
  | { readonly queued: true; readonly reason: string }

/** Keeps messages: in the database or, while that is unavailable, in the journal if there is one. */
export interface MessageSink {
  /** Undefined without a journal. */
  journalState(): JournalState | undefined
  /** Where messages go now; without a journal always to the database. */
  mode(): SinkMode
  /** Brings `journalState` up to date by trying whether the journal takes messages. */
  tryJournal(): Promise<void>
  /** Resolves when the message is safe. @throws what the core and the finder throw, or why the journal did not take it */
  keep(submission: Submission): Promise<KeepOutcome>
  /** Closes the journal; the messages in it stay there. */
  close(): Promise<void>
}

export interface MessageSinkParts extends DestinationFinder, Presence {
  readonly store: ChatStore
  /** Called with each message that was committed, completed by its contact. */
  readonly onCommitted: (submission: Submission, saved: SavedChatMessage) => void
  /** Called with each message that was in the journal and is committed now. */
  readonly onStored: (submission: Submission, saved: SavedChatMessage) => void
  /** Called with each message that was in the journal and that the database will never take. */
  readonly onRejected: (submission: Submission, error: OperatorError) => void
  readonly observer: ServerObserver
  readonly log: ChatLog
}
