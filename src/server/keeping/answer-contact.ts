import type { FoundChat } from '../../persistence/chats/find-chat.js'
import type { ChatContact } from './addressee.js'

/** What tells whose an answer is. */
export interface AnswerEvidence {
  /** The chat of the address: of a conversation that of its last message from the client's side; undefined where nothing is stored. */
  readonly found: Pick<FoundChat, 'clientId' | 'guestUsername'> | undefined
  /** The guest who is connected in the conversation, or was when the answer came. */
  readonly connected: ChatContact | undefined
}

/** Of an answer of which only the conversation is known. */
export const NO_CONTACT: ChatContact = { clientId: null, guestUsername: null, guestPhone: null }

/**
 * The client or guest with whom an answer is stored: the one who was addressed, whether or not a guest is connected, and no matter
 * under which name that guest joined. The connected guest counts only where nothing that is stored names anybody.
 * @returns undefined when nobody has the address
 */
export const contactOfAnswer = ({ found, connected }: AnswerEvidence): ChatContact | undefined => {
  if (found === undefined) return connected
  const { clientId, guestUsername } = found
  if (clientId === null && guestUsername === null) return connected ?? NO_CONTACT
  const isConnected = guestUsername !== null && guestUsername === connected?.guestUsername
  return { clientId, guestUsername, guestPhone: isConnected ? connected.guestPhone : null }
}
