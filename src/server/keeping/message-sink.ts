import { setTimeout as delay } from 'node:timers/promises'
import type { ChatStore } from '../../persistence/chat-store.js'
import { SchemaNotReady, StoreOverloaded, StoreUnavailable } from '../../persistence/errors.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { prepareMessage } from '../../persistence/prepare-message.js'
import { OperatorError } from '../../errors.js'
import type { ChatLog } from '../../chat-log.js'
import type { ConversationContact } from './conversation-contact.js'
import { createDatabaseClock } from './database-clock.js'
import { within } from '../../concurrency/within.js'
import { createJournalDrain } from './drain-journal.js'
import { errorFields } from '../error-fields.js'
import { createGate } from '../../concurrency/gate.js'
import { notQueued } from '../../journal/journal-errors.js'
import type { Journal } from '../../journal/journal.js'
import { saveEntry } from './save-entry.js'
import { createStoredOrder } from '../../journal/stored-order.js'
import type { Submission } from '../../journal/submission.js'

/** How a message is kept: in the database, or for now in the journal. */
export type Kept =
  | { readonly queued: false; readonly saved: SavedChatMessage }
  /** `reason` is the code of what keeps it out of the database. */
  | { readonly queued: true; readonly reason: string }

/** What a probe tells of the journal. */
export interface JournalState {
  readonly journal: 'taking' | 'full' | 'failing'
  /** How many messages wait in it. */
  readonly waiting: number
}

/** Keeps messages: in the database, and while that is away in the journal, if there is one. */
export interface MessageSink {
  /** Undefined without a journal. */
  journalState(): JournalState | undefined
  /** Resolves when the message is safe. @throws what the core throws, `unknown_conversation`, or why the journal did not take it */
  keep(submission: Submission): Promise<Kept>
  /** Lets go of the journal; what waits in it stays there. */
  close(): Promise<void>
}

export interface MessageSinkParts {
  readonly store: ChatStore
  /** @throws OperatorError `unknown_conversation` */
  readonly findContact: (conversation: string) => Promise<ConversationContact>
  readonly connectedContact: (conversation: string) => ConversationContact | undefined
  /** Told of each message that the database has taken, by then with its contact. */
  readonly onCommitted: (submission: Submission, saved: SavedChatMessage) => void
  /** Told of each message that waited and is in the database now. */
  readonly onStored: (submission: Submission, saved: SavedChatMessage) => void
  readonly log: ChatLog
}

/** The database is back, and what waited goes first. */
const DRAINING = 'journal_draining'

/**
 * How long each message waits while the journal is drained, so that it is drained faster than it is filled: one sender alone
 * can add 1,700 messages a second, of which 700 can be stored, since they are stored one after another.
 */
const SLOWED_DOWN_MS = 50

/** Enough for what is under way with the short deadline that a server with a journal gives its store. */
const STOP_DEADLINE_MS = 1_800

export const createMessageSink = (parts: MessageSinkParts, journal: Journal | undefined): MessageSink => {
  if (journal !== undefined) return createJournalledSink(parts, journal)
  return {
    journalState: () => undefined,
    keep: async (submission) => {
      const complete = await withContact(parts, submission)
      const saved = await parts.store.saveChatMessage(complete.message)
      parts.onCommitted(complete, saved)
      return { queued: false, saved }
    },
    close: () => Promise.resolve(),
  }
}

const createJournalledSink = (parts: MessageSinkParts, journal: Journal): MessageSink => {
  const { store, connectedContact, log } = parts
  const file = { journal: journal.path }
  const clock = createDatabaseClock()
  const gate = createGate()
  let order = createStoredOrder()
  let lastFailure: string | undefined
  /** Why messages go to the journal. While there is one, all do: whoever wrote first stays first, and nobody waits for a time-out. */
  let reason = journal.waiting > 0 ? DRAINING : undefined

  const isQueueing = (): boolean => reason !== undefined

  const drain = createJournalDrain({
    journal,
    gate,
    log,
    save: (entry) => saveEntry({ ...parts, journal, order, complete: (one) => withContact(parts, one) }, entry),
    onBack: () => (reason &&= DRAINING),
    onAway: (code) => (reason &&= code),
    onEmpty: () => {
      noteFailure(undefined)
      reason = undefined
      order = createStoredOrder()
    },
  })

  const keep = async (submission: Submission): Promise<Kept> => {
    const receivedAt = clock.now()
    if (reason === DRAINING) await delay(SLOWED_DOWN_MS)
    await gate.passed()
    if (isQueueing()) return enqueue(submission, receivedAt, false)
    let attempt = submission
    try {
      attempt = await withContact(parts, submission)
      const askedAt = Date.now()
      const saved = await store.saveChatMessage(attempt.message)
      if (!saved.duplicate) clock.note(saved.createdAt, askedAt, Date.now())
      parts.onCommitted(attempt, saved)
      return { queued: false, saved }
    } catch (error) {
      if (!isAway(error)) throw error
      // What is being emptied is not added to; by then there may be no reason any more.
      await gate.passed()
      if (!isQueueing())
        log.warn({ event: 'journal_in_use', ...errorFields(error), ...file }, 'messages go to the journal from now on')
      reason = error.code
      return enqueue(attempt, receivedAt, true)
    }
  }

  const enqueue = async (submission: Submission, createdAt: Date, attempted: boolean): Promise<Kept> => {
    const { message, contactKnown } = submission
    const contact = contactKnown ? undefined : connectedContact(message.sessionId)
    const prepared = prepareMessage({ ...message, ...contact, createdAt })
    const queued = { queued: true, reason: reason ?? DRAINING } as const
    try {
      await journal.add({
        ...submission,
        message: { ...prepared, sessionId: message.sessionId },
        contactKnown: contactKnown || contact !== undefined,
        attempted,
      })
      noteFailure(undefined)
      return queued
    } catch (error) {
      if (!(error instanceof OperatorError) || !error.retryable) throw error
      noteFailure(error)
      throw notQueued(error)
    } finally {
      drain.start()
    }
  }

  const noteFailure = (error: OperatorError | undefined): void => {
    if (error !== undefined && error.code !== lastFailure)
      log.error(
        { event: error.code, ...errorFields(error), ...file },
        'the journal takes no messages; they are refused',
      )
    if (error === undefined && lastFailure !== undefined)
      log.info({ event: 'journal_takes_again', ...file }, 'the journal takes messages again')
    lastFailure = error?.code
  }

  if (journal.waiting > 0) {
    log.warn({ event: 'journal_waiting', messages: journal.waiting, ...file }, 'messages wait in the journal')
    drain.start()
  }
  return {
    journalState: () => ({ journal: stateAfter(lastFailure), waiting: journal.waiting }),
    keep,
    close: async () => {
      await within(STOP_DEADLINE_MS, drain.stop())
      await journal.close()
      if (journal.waiting === 0) return
      log.warn(
        { event: 'journal_left', messages: journal.waiting, ...file },
        `messages wait in the journal: start the server again with it, or: chatkeep replay ${journal.path}`,
      )
    },
  }
}

const stateAfter = (failure: string | undefined): JournalState['journal'] => {
  if (failure === undefined) return 'taking'
  return failure === 'journal_full' || failure === 'journal_disk_full' ? 'full' : 'failing'
}

/** The same message, completed by whose conversation it is in. */
const withContact = async ({ findContact }: MessageSinkParts, submission: Submission): Promise<Submission> => {
  if (submission.contactKnown) return submission
  const contact = await findContact(submission.message.sessionId)
  return { ...submission, contactKnown: true, message: { ...submission.message, ...contact } }
}

/** Whether it is the database that is away, busy or not migrated right now, and no fault of the message. */
const isAway = (error: unknown): error is OperatorError =>
  error instanceof StoreUnavailable || error instanceof StoreOverloaded || error instanceof SchemaNotReady
