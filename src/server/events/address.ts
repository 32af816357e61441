import { namedBy, type ChatAddress } from '../../persistence/chats/address.js'
import type { Contact } from '../../persistence/contact.js'
import { unknownConversation, unknownHere } from '../../protocol/refusals.js'
import { toUsername } from '../../persistence/prepare-message.js'
import { connectedGuest, connectedGuests } from '../cluster/presence.js'
import { inOrderOfPresence, type Addressee, type Presence } from '../keeping/addressee.js'
import type { ServerContext } from './server-context.js'

/** Who is connected to any of the servers. */
export const presenceIn = (chat: Pick<ServerContext, 'io' | 'peers'>): Presence => ({
  guestIn: (conversation) => {
    const guest = connectedGuest(chat, conversation)
    // The core finds the client by name, and creates one when the operator writes first.
    return guest && { clientId: null, guestUsername: guest.username, guestPhone: guest.phone }
  },
  conversationNamed: (address) => {
    const name = guestNameIn(address)
    return connectedGuests(chat).findLast(({ username }) => username === name)?.conversation
  },
  unknown: (address) => (chat.peers.mayMiss() ? unknownHere(address) : unknownConversation(address)),
})

const guestNameIn = (address: ChatAddress): string | undefined => {
  const named = namedBy(address)
  if (named === undefined) return toUsername(String(address))
  return 'guestUsername' in named ? toUsername(named.guestUsername) : undefined
}

type PresentChat = Pick<ServerContext, 'io' | 'peers' | 'store'>

/**
 * Finds whom an address means: the guest who is connected in the conversation of that name, else the person whom it means in the
 * store, else a connected guest of that name who has not written. Never a visitor who only uses the same name as somebody in
 * the store: nothing tells that it is the same person.
 * @returns undefined when nobody has the address
 */
export const findAddressee = async (chat: PresentChat, address: ChatAddress): Promise<Addressee | undefined> => {
  const connected = connectedAddressee(chat, address)
  if (connected !== undefined) return connected
  const presence = presenceIn(chat)
  const found = await chat.store.findChat(address)
  if (found === undefined) return silentAddressee(chat, address)
  const { clientId, guestUsername, conversations } = found
  return {
    contact: { clientId, guestUsername, guestPhone: null },
    conversation: inOrderOfPresence(conversations, presence)[0] ?? null,
  }
}

const silentAddressee = (chat: PresentChat, address: ChatAddress): Addressee | undefined => {
  const conversation = presenceIn(chat).conversationNamed(address)
  return conversation === undefined ? undefined : connectedAddressee(chat, conversation)
}

/** @throws OperatorError `unknown_conversation` or `conversation_may_be_elsewhere`, which name the address */
export const resolveAddress = async (chat: PresentChat, address: ChatAddress): Promise<Addressee> => {
  const addressee = await findAddressee(chat, address)
  if (addressee === undefined) throw presenceIn(chat).unknown(address)
  return addressee
}

/** Without asking the database: undefined unless a guest is connected in the conversation of that name. */
export const connectedAddressee = (
  chat: Pick<ServerContext, 'io' | 'peers'>,
  address: ChatAddress,
): Addressee | undefined => {
  const contact = typeof address === 'string' ? presenceIn(chat).guestIn(address) : undefined
  return contact && { contact, conversation: String(address) }
}

/**
 * Whose messages make up the whole chat of an address: of a conversation also what its client or guest wrote elsewhere.
 * @throws OperatorError as `resolveAddress`
 */
export const wholeChatOf = async (chat: PresentChat, address: ChatAddress): Promise<readonly Contact[]> => {
  const found = await chat.store.findChat(address)
  const connected = connectedAddressee(chat, address)?.conversation
  // Of a conversation without messages there is nothing to show, also where another guest's name is the same text.
  if (connected != null && found?.conversation !== connected) return [{ sessionId: connected }]
  if (found !== undefined) return found.contacts
  const silent = presenceIn(chat).conversationNamed(address)
  if (silent === undefined) throw presenceIn(chat).unknown(address)
  return [{ sessionId: silent }]
}
