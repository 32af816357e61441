import type { Journal } from '../../journal/journal.js'
import { keepAtDestination } from './destinations.js'
import { createJournalledSink } from './journalled-sink.js'
import type { MessageSink, MessageSinkParts } from './message-sink.js'
import { createUnknownOutcomes } from './unknown-outcomes.js'

/** The message sink of one server. @param journal without one, an unavailable database is the sender's to wait for */
export const createMessageSink = (parts: MessageSinkParts, journal: Journal | undefined): MessageSink =>
  journal === undefined ? createDirectSink(parts) : createJournalledSink(parts, journal)

const createDirectSink = ({ store, onCommitted, ...finder }: MessageSinkParts): MessageSink => {
  const outcomes = createUnknownOutcomes()
  return {
    journalState: () => undefined,
    mode: () => ({ kind: 'direct' }),
    tryJournal: () => Promise.resolve(),
    keep: async (submission) => {
      const kept = await keepAtDestination(finder, submission, async (complete) => ({
        submission: complete,
        saved: await outcomes.settle(complete.message, () => store.saveChatMessage(complete.message)),
      }))
      onCommitted(kept.submission, kept.saved)
      return { queued: false, ...kept }
    },
    close: () => Promise.resolve(),
  }
}
