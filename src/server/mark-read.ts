import type { Contact } from '../persistence/contact.js'
import type { Reply } from './answering.js'
import type { Chat } from './chat.js'
import { findContact, toContact } from './conversation.js'
import type { ContactPayload } from './payloads.js'

/** The core takes no operator without an id; its tables have no place for one anyway. */
const UNKNOWN_OPERATOR = 0

/** Marks what one contact wrote as read, up to a message; answers how many messages changed. */
export const markRead = async (
  chat: Chat,
  operatorId: number | null,
  whose: ContactPayload,
  upToMessageId: number | undefined,
): Promise<Reply> => {
  const { sessionId, ...contact } = toContact(whose)
  const marked = await chat.store.markMessagesAsRead({
    ...(sessionId === undefined ? contact : await readableContact(chat, sessionId)),
    operatorId: operatorId ?? UNKNOWN_OPERATOR,
    upToMessageId,
  })
  return { answer: { marked } }
}

// What is read or unread is a matter of the client, as in `recentChats`, whichever conversation the operator had open.
const readableContact = async (chat: Chat, conversation: string): Promise<Contact> => {
  const { clientId, guestUsername } = await findContact(chat, conversation)
  return clientId === null ? { guestUsername: guestUsername ?? undefined } : { clientId }
}
