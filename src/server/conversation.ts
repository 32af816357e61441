import type { Contact } from '../persistence/contact.js'
import type { Chat, ChatIo } from './chat.js'
import type { ContactPayload } from './payloads.js'
import { connectedGuest } from './presence.js'
import { unknownConversation } from './refusals.js'

/** Whose conversation it is, as far as the server knows. */
export interface ConversationContact {
  readonly clientId: number | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
}

/**
 * Finds out whose conversation it is: from the guest who is connected, else from the newest message that is stored under its name.
 * @throws OperatorError `unknown_conversation`
 */
export const findContact = async (
  { io, store }: Pick<Chat, 'io' | 'store'>,
  conversation: string,
): Promise<ConversationContact> => {
  const connected = connectedContact(io, conversation)
  if (connected !== undefined) return connected
  const { messages } = await store.getChatHistory({ sessionId: conversation, limit: 1 })
  const newest = messages[0]
  if (newest === undefined) throw unknownConversation()
  return { clientId: newest.clientId, guestUsername: newest.guestUsername, guestPhone: null }
}

/** The guest who is connected; undefined when nobody is. */
export const connectedContact = (io: ChatIo, conversation: string): ConversationContact | undefined => {
  const guest = connectedGuest(io, conversation)
  // The core finds the client by the name, and makes one when the operator is the first to write.
  return guest && { clientId: null, guestUsername: guest.username, guestPhone: guest.phone }
}

/** On the socket a text is a conversation's name; a number is the database id that `recentChats` gives out. */
export const toContact = ({ clientId, username }: ContactPayload): Contact => ({
  clientId: typeof clientId === 'number' ? clientId : undefined,
  sessionId: typeof clientId === 'string' ? clientId : undefined,
  guestUsername: username ?? undefined,
})
