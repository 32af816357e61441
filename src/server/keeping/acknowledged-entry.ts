import type { JournalEntry } from '../../journal/journal-line.js'
import type { Submission } from '../../journal/submission.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { MOST_MESSAGE_BYTES } from '../../persistence/content/message-size.js'
import { prepareMessage } from '../../persistence/prepare-message.js'

/** A stored message as a journal has it, with the time of its row. */
export const acknowledgedEntry = (
  submission: Submission,
  { createdAt }: Pick<SavedChatMessage, 'createdAt'>,
): Omit<JournalEntry, 'seq'> => ({
  ...submission,
  message: {
    ...prepareMessage({ ...submission.message, createdAt }, MOST_MESSAGE_BYTES),
    sessionId: submission.message.sessionId,
  },
  attempted: false,
})
