import { addressOf } from '../../persistence/chats/address.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import { IdempotencyConflict } from '../../persistence/errors.js'
import { isConversation } from '../../persistence/keys/key-scope.js'
import { nobodyThen, unknownConversation } from '../../protocol/refusals.js'
import type { SubmittedMessage, Submission } from '../../journal/submission.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { inOrderOfPresence, NOBODY_PRESENT, type ChatContact, type Presence } from './addressee.js'
import { contactOfAnswer, NO_CONTACT } from './answer-contact.js'

/** A conversation in which an answer may be kept, and whose the answer is there. */
export interface Destination {
  readonly sessionId: string
  readonly contact: ChatContact
}

export interface DestinationFinder {
  /**
   * Where an answer goes, and then where it may have gone when it was sent first: the newest conversation of a chat changes, and a
   * resend must find its message. The time of a message that waited in a journal is that of its conversations.
   * @throws OperatorError `unknown_conversation` or `conversation_may_be_elsewhere`
   */
  readonly findDestinations: (answer: Submission) => Promise<readonly Destination[]>
  /** The contact with which one of the last messages of a conversation is stored. */
  readonly findStored: (conversation: string, id: number) => Promise<ChatContact | undefined>
}

/** Enough for a resend, which follows its first attempt within seconds. */
const LAST_MESSAGES = { limit: 200, maxBytes: 1_048_576, fromPrimary: true }

/**
 * Finds destinations in a store. A chat that was only written through the library gets a conversation with its first answer. A
 * name that nobody has in the store can be that of a guest who is connected, and has not written; not for an answer that has waited,
 * since who had the name may have been erased meanwhile. A conversation is its guest's alone, so an answer that has waited for one
 * is stored there even if nothing tells whose it is: the guest may have come to another server, or have left.
 */
export const createDestinationFinder = (
  store: Pick<ChatStore, 'findChat' | 'getChatHistory'>,
  presence: Presence,
): DestinationFinder => {
  const inConversation = async (sessionId: string, message?: SubmittedMessage): Promise<Destination> => {
    const chat = await store.findChat(sessionId)
    // Where nothing is stored in it, a guest may be called so.
    const found = chat?.conversation === sessionId ? chat : undefined
    const connected = (message && notedContact(message)) ?? presence.guestIn(sessionId)
    const contact = contactOfAnswer({ found, connected }) ?? (message?.createdAt == null ? undefined : NO_CONTACT)
    if (contact === undefined) throw presence.unknown(sessionId)
    return { sessionId, contact }
  }
  return {
    findDestinations: async ({ message }) => {
      const { sessionId: address, createdAt } = message
      if (isConversation(address)) return [await inConversation(address, message)]
      const at = createdAt ?? undefined
      const found = await store.findChat(address, { at })
      // Who is connected now says nothing of an earlier instant.
      const present = at === undefined ? presence : NOBODY_PRESENT
      if (found === undefined) {
        if (at !== undefined) throw nobodyThen(address)
        const silent = presence.conversationNamed(address)
        if (silent === undefined) throw presence.unknown(address)
        return [await inConversation(silent)]
      }
      const ordered = inOrderOfPresence(found.conversations, present)
      const first = addressOf({ ...found, sessionId: null })
      return [...ordered, ...(first === null || ordered.includes(first) ? [] : [first])].flatMap((sessionId) => {
        const contact = contactOfAnswer({ found, connected: present.guestIn(sessionId) })
        return contact === undefined ? [] : { sessionId, contact }
      })
    },
    findStored: async (sessionId, id) => {
      const { messages } = await store.getChatHistory({ sessionId, ...LAST_MESSAGES })
      const stored = messages.find((message) => message.id === id)
      return stored && { clientId: stored.clientId, guestUsername: stored.guestUsername, guestPhone: null }
    },
  }
}

/** An answer that waits for the database, with the guest who is connected now: where nothing is stored, that tells whose it is. */
export const notingPresence = (answer: Submission, { guestIn }: Pick<Presence, 'guestIn'>): Submission => {
  const { message, contactKnown } = answer
  const connected = contactKnown ? undefined : guestIn(message.sessionId)
  return connected === undefined ? answer : { ...answer, message: { ...message, ...connected } }
}

/** The guest who was connected when an answer came that has waited. */
const notedContact = ({ guestUsername, guestPhone = null }: SubmittedMessage): ChatContact | undefined =>
  guestUsername == null ? undefined : { clientId: null, guestUsername, guestPhone }

/** A message that is in the database, with the conversation and the contact that it has there. */
export interface Kept {
  readonly submission: Submission
  readonly saved: SavedChatMessage
}

/**
 * Saves a message in the conversation that its address means: an operator's message has the address as its `sessionId` until then.
 * One that is stored already keeps its conversation and contact.
 * @param save of the complete message
 * @throws what the finder and `save` throw
 */
export const keepAtDestination = async (
  { findDestinations, findStored }: DestinationFinder,
  submission: Submission,
  save: (complete: Submission) => Promise<Kept>,
): Promise<Kept> => {
  if (submission.contactKnown) return save(submission)
  const saveAt = async ({ sessionId, contact }: Destination): Promise<Kept | IdempotencyConflict> => {
    try {
      const message = { ...submission.message, ...contact, sessionId }
      return await save({ ...submission, contactKnown: true, message })
    } catch (error) {
      if (error instanceof IdempotencyConflict) return error
      throw error
    }
  }
  const destinations = await findDestinations(submission)
  const conflicts: IdempotencyConflict[] = []
  for (const destination of destinations) {
    const outcome = await saveAt(destination)
    if (!(outcome instanceof IdempotencyConflict)) return outcome
    conflicts.push(outcome)
  }
  const [[first], [conflict]] = [destinations, conflicts]
  if (first === undefined || conflict === undefined) throw unknownConversation(submission.message.sessionId)
  // Whose the conversation is may have changed since the first attempt.
  const contact = await findStored(first.sessionId, conflict.existingId)
  const again = contact === undefined ? conflict : await saveAt({ ...first, contact })
  if (again instanceof IdempotencyConflict) throw again
  return again
}
