import { randomUUID } from 'node:crypto'
import { OperatorError } from '../../errors.js'
import type { ChatAddress } from '../../persistence/chats/find-chat.js'
import type { RecentChat } from '../../persistence/recent-chats.js'
import type { ChatContact } from '../keeping/addressee.js'
import { resolveAddress } from './address.js'
import type { Reply } from './answering.js'
import type { ServerContext, Listeners, SocketSession } from './server-context.js'
import { idempotencyKeyOf, isConversation, operatorSender } from '../../persistence/keys/key-scope.js'
import { markRead } from './mark-read.js'
import type { Operator } from '../../protocol/participants.js'
import {
  emptySchema,
  markReadSchema,
  operatorMessageSchema,
  operatorTypingSchema,
  recentChatsSchema,
  type MessagePayload,
} from '../../protocol/payloads.js'
import { connectedOperators, conversationRoom, operatorAt } from '../cluster/presence.js'
import { pageOf } from './page.js'
import { checkContent, contentOf, keepAndAnnounce } from './saving.js'

/** The events of an operator, except `join` and `history`. */
export const operatorListeners = (chat: ServerContext, session: SocketSession): Listeners => {
  const { store, answer } = chat
  const { socket, inOrder } = session
  return {
    operatorMessage: answer('operatorMessage', operatorMessageSchema, ({ to, ...payload }) => {
      const operator = operatorAt(socket)
      checkContent(chat, 'operatorMessage', payload)
      return inOrder(() => keepOperatorMessage(chat, session, operator, to, payload))
    }),
    operatorTyping: answer('operatorTyping', operatorTypingSchema, ({ to, isTyping }) => {
      operatorAt(socket)
      return typing(chat, to, isTyping)
    }),
    getConnectedOperators: answer('getConnectedOperators', emptySchema, () => {
      operatorAt(socket)
      return { afterwards: () => socket.emit('connectedOperatorsList', connectedOperators(chat)) }
    }),
    recentChats: answer('recentChats', recentChatsSchema, (payload) => {
      operatorAt(socket)
      return inOrder(async () => {
        const unreadOnly = payload.unreadOnly ?? undefined
        const { chats, nextBefore } = await store.getRecentChats({ ...pageOf(payload), unreadOnly })
        return { answer: { chats: chats.map(withAddress), nextBefore } }
      })
    }),
    markRead: answer('markRead', markReadSchema, ({ upToMessageId, ...whose }) => {
      const { operatorId } = operatorAt(socket)
      return inOrder(() => markRead(chat, operatorId, whose, upToMessageId ?? undefined))
    }),
  }
}

const keepOperatorMessage = async (
  chat: ServerContext,
  { socket }: SocketSession,
  operator: Operator,
  to: ChatAddress,
  payload: MessagePayload,
): Promise<Reply> => {
  const messageId = payload.messageId ?? randomUUID()
  const destinations = await destinationsOf(chat, to)
  let conflict: unknown
  for (const { sessionId, contact } of destinations) {
    try {
      const reply = await keepAndAnnounce(chat, socket, {
        message: {
          ...contentOf(payload),
          ...contact,
          senderType: 'OPERATOR',
          operatorId: operator.operatorId,
          sessionId,
          idempotencyKey: idempotencyKeyOf(operatorSender(operator.operatorId), messageId),
        },
        messageId,
        contactKnown: contact !== undefined,
        size: payload.size ?? null,
        operatorName: operator.name,
        senderSocketId: socket.id,
      })
      return { ...reply, answer: { ...reply.answer, to: sessionId } }
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code !== 'idempotency_conflict') throw error
      conflict ??= error
    }
  }
  throw conflict
}

interface Destination {
  readonly sessionId: string
  /** Whose the message is, where no earlier message of the conversation tells. */
  readonly contact?: ChatContact
}

/**
 * Where an answer goes, and then where it may have gone when it was sent first: the newest conversation of a chat changes, and a
 * resend must find its message. A conversation needs no database: while that is unavailable, the journal takes the answer.
 */
const destinationsOf = async (chat: ServerContext, to: ChatAddress): Promise<readonly Destination[]> => {
  if (typeof to === 'string' && isConversation(to)) return [{ sessionId: to }]
  const { conversations, conversation, contact } = await resolveAddress(chat, to)
  const known = new Set([...(conversation === null ? [] : [conversation]), ...conversations])
  return [...Array.from(known, (sessionId) => ({ sessionId })), { sessionId: firstConversation(contact), contact }]
}

/** A chat that was only written through the library gets a conversation with its first answer, always the same one. */
const firstConversation = ({ clientId, guestUsername }: ChatContact): string =>
  clientId === null ? `name-${guestUsername}` : `client-${clientId}`

const typing = async ({ io, ...chat }: ServerContext, to: ChatAddress, isTyping: boolean): Promise<Reply> => {
  const isKnown = typeof to === 'string' && isConversation(to)
  const conversation = isKnown ? to : (await resolveAddress({ io, ...chat }, to)).conversation
  if (conversation !== null) io.to(conversationRoom(conversation)).emit('operatorTyping', { isTyping })
  return {}
}

/** With the address that an answer to the chat is sent to. */
const withAddress = (chat: RecentChat): RecentChat & { readonly to: ChatAddress } => ({
  ...chat,
  to: chat.conversations[0] ?? chat.clientId ?? chat.username,
})
