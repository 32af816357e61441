import type { ChatContact } from '../keeping/addressee.js'
import type { ContactQuery } from '../../persistence/contact.js'
import type { ChatMessage } from '../../persistence/message.js'
import type { ServerContext } from './server-context.js'
import type { ContactPayload } from '../../protocol/payloads.js'
import { connectedGuest } from '../cluster/presence.js'
import { InvalidCall } from '../../persistence/errors.js'
import { wholeChatOf } from './address.js'
import { unknownConversation } from '../../protocol/refusals.js'

/**
 * Finds the client or guest of a conversation: the connected guest, else the sender of its newest stored message.
 * @throws OperatorError `unknown_conversation`
 */
export const findContact = async (
  chat: Pick<ServerContext, 'io' | 'peers' | 'store'>,
  conversation: string,
): Promise<ChatContact> => {
  const connected = connectedContact(chat, conversation)
  if (connected !== undefined) return connected
  const newest = await newestMessage(chat, conversation)
  if (newest === undefined) throw unknownConversation(conversation)
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
): ChatContact | undefined => {
  const guest = connectedGuest(chat, conversation)
  // The core finds the client by name, and creates one when the operator writes first.
  return guest && { clientId: null, guestUsername: guest.username, guestPhone: guest.phone }
}

/**
 * Whose messages an operator means. An address, or the name of a conversation, stands for the whole chat: also for what its
 * client or guest wrote in another tab, and through the library.
 * @throws OperatorError `unknown_conversation`
 * @throws InvalidCall `invalid_contact`
 */
export const contactsOf = async (
  chat: Pick<ServerContext, 'io' | 'peers' | 'store'>,
  whose: ContactPayload,
): Promise<ContactQuery> => {
  const { clientId, username, to } = whose
  checkOneGiven(whose)
  if (username != null) return { guestUsername: username }
  if (typeof clientId === 'number') return { clientId }
  return { anyOf: await wholeChatOf(chat, to ?? clientId ?? '') }
}

const FIELDS = ['to', 'clientId', 'username'] as const

const checkOneGiven = (whose: ContactPayload): void => {
  const given = FIELDS.filter((field) => whose[field] != null)
  if (given.length === 1) return
  const what = `name exactly one of ${FIELDS.join(', ')} (given: ${given.join(', ') || 'none'})`
  throw new InvalidCall('invalid_contact', what)
}
