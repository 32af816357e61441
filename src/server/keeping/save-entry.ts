import type { ChatStore } from '../../persistence/chat-store.js'
import { StoreError } from '../../persistence/errors.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { OperatorError } from '../../errors.js'
import type { ChatLog } from '../../chat-log.js'
import { errorFields } from '../error-fields.js'
import type { JournalEntry } from '../../journal/journal-line.js'
import type { Journal } from '../../journal/journal.js'
import type { StoredOrder } from '../../journal/stored-order.js'
import type { Submission } from '../../journal/submission.js'
import { isConversation } from '../../persistence/keys/key-scope.js'
import { keepAtDestination, type DestinationFinder } from './destinations.js'
import { acknowledgedEntry } from './acknowledged-entry.js'
import type { DrainOutcome, ServerObserver } from '../metrics/observer.js'
import type { UnknownOutcomes } from './unknown-outcomes.js'

/** The outcome for an entry; after `later` it is tried again, and the entries of its conversation behind it wait. */
export type EntryOutcome = { readonly kind: DrainOutcome } | { readonly kind: 'later'; readonly error: unknown }

export interface SaveEntryParts extends DestinationFinder {
  readonly store: Pick<ChatStore, 'saveChatMessage'>
  readonly journal: Journal
  readonly order: StoredOrder
  readonly outcomes: UnknownOutcomes
  readonly onCommitted: (submission: Submission, saved: SavedChatMessage) => void
  readonly onStored: (submission: Submission, saved: SavedChatMessage) => void
  readonly onRejected: (submission: Submission, error: OperatorError) => void
  readonly observer: ServerObserver
  readonly log: ChatLog
}

/** Stores one entry of the journal in the database or, when that refuses it for good, in the file of rejected entries. */
export const saveEntry = async (parts: SaveEntryParts, entry: JournalEntry): Promise<EntryOutcome> => {
  const { store, journal, order, outcomes, onCommitted, onStored, observer } = parts
  try {
    const { submission, saved: answer } = await keepAtDestination(parts, entry, async (complete) => {
      const raised = { ...complete, message: order.raise(complete.message) }
      return {
        submission: raised,
        saved: await outcomes.settle(raised.message, () => store.saveChatMessage(raised.message)),
      }
    })
    order.note(submission.message.sessionId, answer.createdAt)
    await journal.keepAcknowledged(() => acknowledgedEntry(submission, answer))
    // The duplicate may be the attempt that a server made before the message was queued, which was never announced.
    const saved = entry.attempted ? { ...answer, duplicate: false } : answer
    const kind = saved.duplicate ? 'duplicate' : 'stored'
    journal.settle(entry)
    observer.drained(kind)
    onCommitted(submission, saved)
    onStored(submission, saved)
    return { kind }
  } catch (error) {
    return isRefusedForGood(error) ? reject(parts, entry, error) : { kind: 'later', error }
  }
}

const reject = async (
  { journal, observer, onRejected, log }: SaveEntryParts,
  entry: JournalEntry,
  error: OperatorError,
): Promise<EntryOutcome> => {
  const { rejected } = journal
  try {
    await rejected.add(entry, error.code, error.message)
  } catch (failure) {
    return { kind: 'later', error: failure }
  }
  journal.settle(entry)
  observer.drained('rejected')
  log.error(
    { event: 'queued_message_rejected', ...fieldsOf(error), seq: entry.seq, file: rejected.path },
    'the database rejected a queued message; it was written to a file',
  )
  onRejected(entry, error)
  return { kind: 'rejected' }
}

/** The text of an unknown address has the address, which can be a guest's name. */
const fieldsOf = (error: OperatorError) => (error instanceof StoreError ? errorFields(error) : { code: error.code })

/** Whether the database will never take this message, as opposed to an error that affects every message. */
export const isRefusedForGood = (error: unknown): error is OperatorError =>
  (error instanceof StoreError && error.blames === 'message') ||
  (error instanceof OperatorError && error.code === 'unknown_conversation')

/** Whether what is stored tells to which conversation a message belongs. */
export const needsLookUp = ({ message: { sessionId }, contactKnown }: Submission): boolean =>
  !contactKnown && !isConversation(sessionId)

/**
 * The conversation that a message belongs to, as far as can be told now: those of one are saved one after another.
 * @throws what the finder throws
 */
export const laneOf = async ({ findDestinations }: DestinationFinder, submission: Submission): Promise<string> => {
  const { sessionId } = submission.message
  if (!needsLookUp(submission)) return sessionId
  const [first] = await findDestinations(submission)
  return first?.sessionId ?? sessionId
}
