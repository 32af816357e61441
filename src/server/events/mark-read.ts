import type { Reply } from './answering.js'
import type { ServerContext } from './server-context.js'
import { contactsOf } from './conversation.js'
import type { ContactPayload } from '../../protocol/payloads.js'

/** Marks the messages of one chat as read, up to a message; answers how many changed. */
export const markRead = async (
  chat: ServerContext,
  operatorId: number | null,
  whose: ContactPayload,
  upToMessageId: number | undefined,
): Promise<Reply> => {
  const contacts = await contactsOf(chat, whose)
  return { answer: { marked: await chat.store.markMessagesAsRead({ ...contacts, operatorId, upToMessageId }) } }
}
