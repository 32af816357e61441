import type { ConversationContact } from '../keeping/conversation-contact.js'
import type { Contact } from '../../persistence/contact.js'
import type { ChatMessage } from '../../persistence/message.js'
import type { ServerContext } from './server-context.js'
import type { ContactPayload } from '../../protocol/payloads.js'
import { connectedGuest } from '../cluster/presence.js'
import { unknownConversation } from '../../protocol/refusals.js'

/**
 * Finds the client or guest of a conversation: the connected guest, else the sender of its newest stored message.
 * @throws OperatorError `unknown_conversation`
 */
export const findContact = async (
  chat: Pick<ServerContext, 'io' | 'peers' | 'store'>,
  conversation: string,
): Promise<ConversationContact> => {
  const connected = connectedContact(chat, conversation)
  if (connected !== undefined) return connected
  const newest = await newestMessage(chat, conversation)
  if (newest === undefined) throw unknownConversation()
  return { clientId: newest.clientId, guestUsername: newest.guestUsername, guestPhone: null }
}

/** Decides what happens to a message, so a standby that lags behind may not answer. */
export const newestMessage = async (
  { store }: Pick<ServerContext, 'store'>,
  conversation: string,
): Promise<ChatMessage | undefined> => {
  const { messages } = await store.getChatHistory({ sessionId: conversation, limit: 1, fromPrimary: true })
  return messages[0]
}

/** The connected guest of a conversation; undefined when none is. */
export const connectedContact = (
  chat: Pick<ServerContext, 'io' | 'peers'>,
  conversation: string,
): ConversationContact | undefined => {
  const guest = connectedGuest(chat, conversation)
  // The core finds the client by name, and creates one when the operator writes first.
  return guest && { clientId: null, guestUsername: guest.username, guestPhone: guest.phone }
}

/** On the socket a string is a conversation's name; a number is the database id that `recentChats` returns. */
export const toContact = ({ clientId, username }: ContactPayload): Contact => ({
  clientId: typeof clientId === 'number' ? clientId : undefined,
  sessionId: typeof clientId === 'string' ? clientId : undefined,
  guestUsername: username ?? undefined,
})
