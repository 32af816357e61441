import type { Contact } from '../../persistence/contact.js'
import type { Reply } from './answering.js'
import type { ServerContext } from './server-context.js'
import { newestMessage, toContact } from './conversation.js'
import type { ContactPayload } from '../../protocol/payloads.js'
import { connectedGuest } from '../cluster/presence.js'
import { unknownConversation } from '../../protocol/refusals.js'

/** Marks the messages of one contact as read, up to a message; answers how many changed. */
export const markRead = async (
  chat: ServerContext,
  operatorId: number | null,
  whose: ContactPayload,
  upToMessageId: number | undefined,
): Promise<Reply> => {
  const { sessionId, ...contact } = toContact(whose)
  const contacts = sessionId === undefined ? [contact] : await readableContacts(chat, sessionId)
  let marked = 0
  for (const one of contacts) marked += await chat.store.markMessagesAsRead({ ...one, operatorId, upToMessageId })
  return { answer: { marked } }
}

// The conversation itself, under every name that its guest used; and the client of its newest message, since `recentChats`
// counts unread messages per client, not per conversation.
const readableContacts = async (chat: ServerContext, conversation: string): Promise<readonly Contact[]> => {
  const newest = await newestMessage(chat, conversation)
  if (newest === undefined && connectedGuest(chat, conversation) === undefined) throw unknownConversation()
  const clientId = newest?.clientId ?? null
  return [{ sessionId: conversation }, ...(clientId === null ? [] : [{ clientId }])]
}
