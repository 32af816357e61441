import type { ConnectionTarget } from '../../database/connection-target.js'
import { createBulkStore } from '../../persistence/bulk-store.js'
import { createChatStore } from '../../persistence/chat-store.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import type { JournalEntry } from '../../journal/journal-line.js'
import { createDestinationFinder, keepAtDestination } from '../../server/keeping/destinations.js'
import { NOBODY_PRESENT } from '../../server/keeping/addressee.js'
import { isRefusedForGood } from '../../server/keeping/save-entry.js'
import { createStoredOrder, type StoredOrder } from '../../journal/stored-order.js'
import { readEntries } from './entries.js'
import { createBitSet, type BitSet } from '../../collections/bit-set.js'
import { createFindings, type Findings } from '../checking/findings.js'
import type { RejectedLine } from '../sending/tally.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'

/** The outcomes of a journal's messages. */
export interface JournalSending {
  readonly attempted: number
  readonly saved: number
  readonly duplicates: number
  readonly rejected: Findings<RejectedLine>
  readonly savedLines: BitSet
  readonly rejectedLines: BitSet
  /** A last line that was not written completely, so its message was never answered. */
  readonly tornLine: number | undefined
  /** Whether that line ends in a line feed: it was complete once, and its message may have been answered as queued. */
  readonly mayBeAnswered: boolean
}

const APPLICATION_NAME = 'chatkeep replay'
const BATCH_MESSAGES = 2_000
const BATCH_CHARACTERS = 4 * 1_048_576

interface NumberedEntry {
  readonly line: number
  readonly entry: JournalEntry
}

/** The outcomes as if every message had been saved before. */
export const sendNothing = async (input: TranscriptInput, signal: AbortSignal): Promise<JournalSending> => {
  const rejected = createFindings<RejectedLine>()
  const [savedLines, rejectedLines] = [createBitSet(), createBitSet()]
  let attempted = 0
  let torn: { readonly line: number; readonly terminated: boolean } | undefined
  for await (const part of readEntries(input)) {
    signal.throwIfAborted()
    if (part.kind === 'torn') torn = part
    if (part.kind === 'entry' || part.kind === 'unreadable') attempted += 1
    if (part.kind !== 'unreadable') continue
    rejectedLines.add(part.line)
    rejected.add(part)
  }
  return {
    ...{ attempted, saved: 0, duplicates: 0, rejected: rejected.result(), savedLines, rejectedLines },
    tornLine: torn?.line,
    mayBeAnswered: torn?.terminated ?? false,
  }
}

/** Saves the messages of a journal through the store, in order; stops early when the signal fires. */
export const sendJournal = async (
  input: TranscriptInput,
  target: ConnectionTarget,
  signal: AbortSignal,
  onProgress: (messages: number) => void,
): Promise<JournalSending> => {
  const bulk = createBulkStore(target, APPLICATION_NAME)
  const store = createChatStore({ target }, { applicationName: APPLICATION_NAME })
  const counts = { attempted: 0, saved: 0, duplicates: 0 }
  const rejected = createFindings<RejectedLine>()
  const [savedLines, rejectedLines] = [createBitSet(), createBitSet()]
  let tornLine: number | undefined
  let mayBeAnswered = false
  let batch: NumberedEntry[] = []
  let characters = 0
  const order = createStoredOrder()
  /** Conversations with a message in the batch whose first attempt may be stored, at a time that is not known yet. */
  const unsure = new Set<string>()

  const reject = (line: number, reason: string): void => {
    rejectedLines.add(line)
    rejected.add({ line, reason })
  }

  const note = (line: number, sessionId: string, { createdAt, duplicate }: SavedChatMessage): void => {
    order.note(sessionId, createdAt)
    if (duplicate) counts.duplicates += 1
    else {
      counts.saved += 1
      savedLines.add(line)
    }
  }

  const flush = async (): Promise<void> => {
    const sent = batch
    batch = []
    characters = 0
    unsure.clear()
    const outcomes = await bulk.saveChatMessages(
      sent.map(({ entry }) => ({ ...entry.message, createdAt: timeOf(entry, order) })),
    )
    for (const [index, outcome] of outcomes.entries()) {
      const line = sent[index]?.line ?? 0
      if (outcome.status === 'rejected') {
        if (!isRefusedForGood(outcome.reason)) throw outcome.reason
        reject(line, outcome.reason.message)
        continue
      }
      note(line, sent[index]?.entry.message.sessionId ?? '', outcome.value)
    }
    onProgress(counts.attempted)
  }

  // As the chat server finds them, but that nobody is connected here.
  const finder = createDestinationFinder(store, NOBODY_PRESENT)
  // The message that names the guest may still be in the batch.
  const sendToAddressee = async ({ entry, line }: NumberedEntry): Promise<void> => {
    await flush()
    try {
      const { submission, saved } = await keepAtDestination(finder, entry, async (complete) => {
        return { submission: complete, saved: await store.saveChatMessage(order.raise(complete.message)) }
      })
      note(line, submission.message.sessionId, saved)
    } catch (error) {
      if (!isRefusedForGood(error)) throw error
      reject(line, error.code === 'unknown_conversation' ? 'no message of its conversation is stored' : error.message)
    }
  }

  try {
    for await (const part of readEntries(input)) {
      if (part.kind === 'torn') {
        tornLine = part.line
        mayBeAnswered = part.terminated
      }
      if (part.kind === 'unreadable') {
        counts.attempted += 1
        reject(part.line, part.reason)
      }
      if (part.kind !== 'entry') continue
      counts.attempted += 1
      const { attempted, message: waiting } = part.entry
      if (unsure.has(waiting.sessionId)) await flush()
      if (part.entry.contactKnown) {
        batch.push(part)
        if (attempted) unsure.add(waiting.sessionId)
        characters += (waiting.text?.length ?? 0) + (waiting.imageUrl?.length ?? 0)
      } else await sendToAddressee(part)
      if (batch.length >= BATCH_MESSAGES || characters >= BATCH_CHARACTERS) await flush()
      if (signal.aborted) break
    }
    await flush()
    return { ...counts, rejected: rejected.result(), savedLines, rejectedLines, tornLine, mayBeAnswered }
  } finally {
    await Promise.all([bulk.close(), store.close()])
  }
}

// A message that was acknowledged as stored gets the time that its row had.
const timeOf = ({ message, acknowledgedAt }: JournalEntry, order: StoredOrder): Date | null =>
  acknowledgedAt === undefined ? order.raise(message).createdAt : message.createdAt
