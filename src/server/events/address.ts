import type { ChatAddress } from '../../persistence/chats/address.js'
import type { Contact } from '../../persistence/contact.js'
import { unknownConversation } from '../../protocol/refusals.js'
import { connectedGuest } from '../cluster/presence.js'
import type { Addressee } from '../keeping/addressee.js'
import type { ServerContext } from './server-context.js'

type PresentChat = Pick<ServerContext, 'io' | 'peers' | 'store'>

/**
 * Finds whom an address means: the guest who is connected in the conversation of that name, else whoever it means in the
 * store. Never a visitor who only uses the same name: nothing tells that it is the same person.
 * @returns undefined when nobody has the address
 */
export const findAddressee = async (chat: PresentChat, address: ChatAddress): Promise<Addressee | undefined> => {
  const connected = connectedAddressee(chat, address)
  if (connected !== undefined) return connected
  const found = await chat.store.findChat(address)
  return (
    found && {
      contact: { clientId: found.clientId, guestUsername: found.guestUsername, guestPhone: null },
      conversation: found.conversation,
      conversations: found.conversations,
    }
  )
}

/** @throws OperatorError `unknown_conversation`, which names the address */
export const resolveAddress = async (chat: PresentChat, address: ChatAddress): Promise<Addressee> => {
  const addressee = await findAddressee(chat, address)
  if (addressee === undefined) throw unknownConversation(address)
  return addressee
}

/** Without asking the database: undefined unless a guest is connected in the conversation of that name. */
export const connectedAddressee = (
  chat: Pick<ServerContext, 'io' | 'peers'>,
  address: ChatAddress,
): Addressee | undefined => {
  const guest = typeof address === 'string' ? connectedGuest(chat, address) : undefined
  return (
    guest && {
      // The core finds the client by name, and creates one when the operator writes first.
      contact: { clientId: null, guestUsername: guest.username, guestPhone: guest.phone },
      conversation: guest.conversation,
      conversations: [guest.conversation],
    }
  )
}

/**
 * Whose messages make up the whole chat of an address: of a conversation also what its client or guest wrote elsewhere.
 * @throws OperatorError `unknown_conversation`, which names the address
 */
export const wholeChatOf = async (chat: PresentChat, address: ChatAddress): Promise<readonly Contact[]> => {
  const found = await chat.store.findChat(address)
  const connected = connectedAddressee(chat, address)?.conversation
  // Of a conversation without messages there is nothing to show, also where another guest's name is the same text.
  if (connected != null && found?.conversation !== connected) return [{ sessionId: connected }]
  if (found === undefined) throw unknownConversation(address)
  return found.contacts
}
