import { OperatorError } from '../../errors.js'
import { addressOf } from '../../persistence/chats/address.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import { isConversation } from '../../persistence/keys/key-scope.js'
import { unknownConversation } from '../../protocol/refusals.js'
import type { Submission } from '../../journal/submission.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { inOrderOfPresence, NOBODY_PRESENT, type ChatContact, type Presence } from './addressee.js'

/** A conversation in which an answer may be kept. */
export interface Destination {
  readonly sessionId: string
  /** Whose the answer is, where no earlier message of the conversation tells. */
  readonly contact?: ChatContact
}

export interface DestinationFinder {
  /**
   * Where an answer to this address goes, and then where it may have gone when it was sent first: the newest conversation of a
   * chat changes, and a resend must find its message.
   * @param at the conversations are those of this instant
   * @throws OperatorError `unknown_conversation`
   */
  readonly findDestinations: (address: string, at?: Date) => Promise<readonly Destination[]>
  /** @throws OperatorError `unknown_conversation` */
  readonly findContact: (conversation: string) => Promise<ChatContact>
}

/**
 * Finds destinations in a store. A chat that was only written through the library gets a conversation with its first answer. A
 * name that nobody has in the store can be that of a guest who is connected, and has not written.
 */
export const createDestinationFinder =
  (store: Pick<ChatStore, 'findChat'>, presence: Presence): DestinationFinder['findDestinations'] =>
  async (address, at) => {
    if (isConversation(address)) return [{ sessionId: address }]
    const found = await store.findChat(address, { at })
    // Who is connected now says nothing of an earlier instant.
    const { isConnected, conversationNamed } = at === undefined ? presence : NOBODY_PRESENT
    if (found === undefined) {
      const silent = conversationNamed(address)
      if (silent === undefined) throw unknownConversation(address)
      return [{ sessionId: silent }]
    }
    const { clientId, guestUsername, conversations } = found
    const ordered = inOrderOfPresence(conversations, { isConnected })
    const first = addressOf({ clientId, guestUsername, sessionId: null })
    const contact = { clientId, guestUsername, guestPhone: null }
    return [...ordered, ...(first === null || ordered.includes(first) ? [] : [first])].map((sessionId) =>
      sessionId === first ? { sessionId, contact } : { sessionId },
    )
  }

/** A message that is in the database, with the conversation and the contact that it has there. */
export interface Kept {
  readonly submission: Submission
  readonly saved: SavedChatMessage
}

/**
 * Saves a message in the conversation that its address means: an operator's message has the address as its `sessionId` until then.
 * @param save of the complete message
 * @throws what the finder and `save` throw
 */
export const keepAtDestination = async (
  { findDestinations, findContact }: DestinationFinder,
  submission: Submission,
  save: (complete: Submission) => Promise<Kept>,
): Promise<Kept> => {
  if (submission.contactKnown) return save(submission)
  const { message } = submission
  const destinations = await findDestinations(message.sessionId, message.createdAt ?? undefined)
  let conflict: unknown
  for (const { sessionId, contact } of destinations) {
    const whose = contact ?? (await findContact(sessionId))
    try {
      return await save({ ...submission, contactKnown: true, message: { ...message, ...whose, sessionId } })
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code !== 'idempotency_conflict') throw error
      conflict ??= error
    }
  }
  throw conflict
}

/** The conversation that a message belongs to, as far as can be told now: those of one are saved one after another. */
export const laneOf = async ({ findDestinations }: DestinationFinder, submission: Submission): Promise<string> => {
  const { message, contactKnown } = submission
  if (contactKnown) return message.sessionId
  const [first] = await findDestinations(message.sessionId, message.createdAt ?? undefined).catch(() => [])
  return first?.sessionId ?? message.sessionId
}
