import { setTimeout as delay } from 'node:timers/promises'
import { createGate } from '../../concurrency/gate.js'
import { within } from '../../concurrency/within.js'
import { OperatorError } from '../../errors.js'
import { notQueued } from '../../journal/journal-errors.js'
import type { Journal } from '../../journal/journal.js'
import { createStoredOrder } from '../../journal/stored-order.js'
import type { Submission } from '../../journal/submission.js'
import { DatabaseRefused, StoreError } from '../../persistence/errors.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { isHeldByOthers } from '../../persistence/locks/held-by-others.js'
import { MOST_MESSAGE_BYTES } from '../../persistence/content/message-size.js'
import { prepareMessage } from '../../persistence/prepare-message.js'
import { errorFields } from '../error-fields.js'
import { createDestinationFinder, keepAtDestination, notingPresence } from './destinations.js'
import { createDatabaseClock } from '../../database/clock/database-clock.js'
import { createJournalDrain } from './drain-journal.js'
import { createJournalHealth } from './journal-health.js'
import type { KeepOutcome, MessageSink, MessageSinkParts } from './message-sink.js'
import { acknowledgedEntry } from './acknowledged-entry.js'
import { laneOf, saveEntry } from './save-entry.js'
import { storeUntil } from './store-until.js'
import { createUnknownOutcomes } from './unknown-outcomes.js'
import { firstMode, next, reasonOf, type JournalMode, type SinkEvent } from './sink-mode.js'

/**
 * How long each message waits while the journal is drained, so that it empties faster than it fills: one sender alone can add
 * 1,700 messages a second, of which 700 can be stored, since they are stored one after another.
 */
const SLOWED_DOWN_MS = 50

/**
 * Enough for the save in progress, since a server with a journal gives its store a short deadline. A large message may take longer:
 * it stays in the journal, and is found to be stored when that is drained again.
 */
const STOP_DEADLINE_MS = 1_800

/** A sink that keeps messages in the journal while the database is unavailable. */
export const createJournalledSink = (parts: MessageSinkParts, journal: Journal): MessageSink => {
  const { store, onCommitted, log } = parts
  const file = { journal: journal.path }
  const clock = createDatabaseClock()
  const gate = createGate()
  const health = createJournalHealth(journal, log)
  const outcomes = createUnknownOutcomes()
  const givingUp = new AbortController()
  const drained = storeUntil(store, givingUp.signal)
  const draining = { ...parts, store: drained, ...createDestinationFinder(drained, parts) }
  let order = createStoredOrder()
  let mode = firstMode(journal.waiting)

  const on = (event: SinkEvent): void => {
    mode = next(mode, event)
  }

  const drain = createJournalDrain({
    journal,
    gate,
    log,
    confirm: () => drained.checkReady(),
    laneOf: (entry) => laneOf(draining, entry),
    save: (entry) => saveEntry({ ...draining, journal, order, outcomes }, entry),
    onAvailable: () => on({ kind: 'available' }),
    onUnavailable: (code) => on({ kind: 'unavailable', code }),
    onEmpty: () => {
      health.works()
      on({ kind: 'drained' })
      order = createStoredOrder()
    },
  })

  const keep = async (submission: Submission): Promise<KeepOutcome> => {
    const receivedAt = clock.now()
    if (mode.kind === 'draining') await delay(SLOWED_DOWN_MS)
    await gate.passed()
    return mode.kind === 'direct'
      ? saveOrEnqueue(submission, receivedAt)
      : enqueue(submission, { receivedAt, mode, attempted: false })
  }

  const saveOrEnqueue = async (submission: Submission, receivedAt: Date): Promise<KeepOutcome> => {
    let tried: Submission | undefined
    try {
      const kept = await keepAtDestination(parts, submission, async (complete) => {
        tried = complete
        return { submission: complete, saved: await outcomes.settle(complete.message, () => save(complete)) }
      })
      await journal.keepAcknowledged(() => acknowledgedEntry(kept.submission, kept.saved))
      onCommitted(kept.submission, kept.saved)
      return { queued: false, ...kept }
    } catch (error) {
      if (!isForJournal(error)) throw error
      // A journal that is being emptied takes nothing new; afterwards the mode may be direct again.
      await gate.passed()
      if (mode.kind === 'direct')
        log.warn(
          { event: 'journal_in_use', ...errorFields(error), ...file },
          'the database is unavailable: messages go to the journal',
        )
      const queueing = { kind: 'queueing', reason: error.code } as const
      on({ kind: 'unavailable', code: error.code })
      return enqueue(tried ?? submission, { receivedAt, mode: queueing, attempted: tried !== undefined })
    }
  }

  const save = async ({ message }: Submission): Promise<SavedChatMessage> => {
    const askedAt = Date.now()
    const saved = await whileHeld(() => store.saveChatMessage(message))
    if (!saved.duplicate) clock.note(saved.createdAt, askedAt, Date.now())
    return saved
  }

  const enqueue = async (submission: Submission, { receivedAt, mode, attempted }: Enqueueing): Promise<KeepOutcome> => {
    const noted = notingPresence(submission, parts)
    const { message } = noted
    const prepared = prepareMessage({ ...message, createdAt: receivedAt }, MOST_MESSAGE_BYTES)
    try {
      await journal.add({
        ...noted,
        message: { ...prepared, sessionId: message.sessionId },
        attempted,
      })
      health.works()
      return { queued: true, reason: reasonOf(mode) }
    } catch (error) {
      throw isOfJournal(error) ? notQueued(error) : error
    } finally {
      drain.start()
    }
  }

  const isOfJournal = (error: unknown): error is OperatorError => {
    if (!(error instanceof OperatorError) || !error.retryable) return false
    health.failed(error)
    return true
  }

  const tryJournal = async (): Promise<void> => {
    try {
      await journal.prove()
      health.works()
    } catch (error) {
      if (!isOfJournal(error)) throw error
    }
  }

  if (mode.kind === 'draining') {
    log.warn({ event: 'journal_waiting', messages: journal.waiting, ...file }, 'the journal has messages to store')
    drain.start()
  }
  return {
    journalState: () => health.state(),
    mode: () => mode,
    tryJournal,
    keep,
    close: async () => {
      await within(STOP_DEADLINE_MS, drain.stop())
      // Whoever closes the store next does not wait for it: what is not settled stays in the journal.
      givingUp.abort()
      // Before the file is closed: on a slow disk the server's deadline can pass during the close.
      if (journal.waiting > 0) {
        log.warn(
          { event: 'journal_left', messages: journal.waiting, ...file },
          `the journal still has messages to store: start the server with it again, or run: chatkeep replay ${journal.path}`,
        )
      }
      await journal.close()
    },
  }
}

/** How long a message waits for another transaction's lock, as without a journal: that is no outage, and no reason for the journal. */
const LOCK_PATIENCE_MS = 10_000

/** Repeats a save that a lock held up to the store's deadline. */
const whileHeld = async <T>(save: () => Promise<T>): Promise<T> => {
  const end = performance.now() + LOCK_PATIENCE_MS
  for (;;) {
    try {
      return await save()
    } catch (error) {
      if (!isHeldByOthers(error) || performance.now() >= end) throw error
    }
  }
}

interface Enqueueing {
  readonly receivedAt: Date
  readonly mode: JournalMode
  /** An attempt to store the message was made, and its outcome is unknown. */
  readonly attempted: boolean
}

/**
 * Whether the database is unavailable, busy, not migrated or refuses every message, rather than the message at fault, or another
 * transaction that holds what this message alone needs.
 */
export const isForJournal = (error: unknown): error is StoreError =>
  error instanceof StoreError &&
  !isHeldByOthers(error) &&
  (error.blames === 'schema' || (error.blames === 'database' && (error.retryable || error instanceof DatabaseRefused)))
