import type { OperatorError } from '../../errors.js'
import type { ChatAddress } from '../../persistence/chats/address.js'
import { unknownConversation } from '../../protocol/refusals.js'

/** The client or guest of a chat, as far as the server knows. */
export interface ChatContact {
  readonly clientId: number | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
}

/** Whom an address means. */
export interface Addressee {
  /** What an answer is stored with. */
  readonly contact: ChatContact
  /** Where an answer goes; null for a chat that was never written in a conversation: it is stored, and shown in the chat's history. */
  readonly conversation: string | null
}

/** Which guests are connected, to this server or another. */
export interface Presence {
  /** Who is connected in a conversation; undefined when nobody is. */
  readonly guestIn: (conversation: string) => ChatContact | undefined
  /** The conversation of a guest whose name the address is, of several the one who came last. */
  readonly conversationNamed: (address: ChatAddress) => string | undefined
  /** The refusal of an address that nobody is known to have: final, unless another server may know more. */
  readonly unknown: (address: ChatAddress) => OperatorError
}

/** Where nobody is connected. */
export const NOBODY_PRESENT: Presence = {
  guestIn: () => undefined,
  conversationNamed: () => undefined,
  unknown: unknownConversation,
}

/** The conversations of a chat, newest first, in the order in which an answer goes to them: an id or a name stands for the first. */
export const inOrderOfPresence = (
  conversations: readonly string[],
  { guestIn }: Pick<Presence, 'guestIn'>,
): readonly string[] => {
  const connected = conversations.find((one) => guestIn(one) !== undefined)
  return connected === undefined ? conversations : [connected, ...conversations.filter((one) => one !== connected)]
}
