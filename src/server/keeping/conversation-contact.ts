import type { Submission } from '../../journal/submission.js'

/** The client or guest of a conversation, as far as the server knows. */
export interface ConversationContact {
  readonly clientId: number | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
}

/** The submission with the contact of its conversation. @throws what `findContact` throws */
export const completeContact = async (
  submission: Submission,
  findContact: (conversation: string) => Promise<ConversationContact>,
): Promise<Submission> => {
  if (submission.contactKnown) return submission
  const contact = await findContact(submission.message.sessionId)
  return { ...submission, contactKnown: true, message: { ...submission.message, ...contact } }
}
