import type { Journal } from '../../journal/journal.js'
import { completeContact } from './conversation-contact.js'
import { createJournalledSink } from './journalled-sink.js'
import type { MessageSink, MessageSinkParts } from './message-sink.js'

/** The message sink of one server. @param journal without one, an unavailable database is the sender's to wait for */
export const createMessageSink = (parts: MessageSinkParts, journal: Journal | undefined): MessageSink =>
  journal === undefined ? createDirectSink(parts) : createJournalledSink(parts, journal)

const createDirectSink = ({ store, findContact, onCommitted }: MessageSinkParts): MessageSink => ({
  journalState: () => undefined,
  mode: () => ({ kind: 'direct' }),
  tryJournal: () => Promise.resolve(),
  keep: async (submission) => {
    const complete = await completeContact(submission, findContact)
    const saved = await store.saveChatMessage(complete.message)
    onCommitted(complete, saved)
    return { queued: false, saved }
  },
  close: () => Promise.resolve(),
})
