import { randomUUID } from 'node:crypto'
import { addressOf, type ChatAddress } from '../../persistence/chats/address.js'
import type { RecentChat } from '../../persistence/recent-chats.js'
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

const keepOperatorMessage = (
  chat: ServerContext,
  { socket }: SocketSession,
  operator: Operator,
  to: ChatAddress,
  payload: MessagePayload,
): Promise<Reply> => {
  const messageId = payload.messageId ?? randomUUID()
  return keepAndAnnounce(chat, socket, {
    message: {
      ...contentOf(payload),
      senderType: 'OPERATOR',
      operatorId: operator.operatorId,
      sessionId: typeof to === 'number' ? `client-${to}` : to,
      idempotencyKey: idempotencyKeyOf(operatorSender(operator), messageId),
    },
    messageId,
    contactKnown: false,
    size: payload.size ?? null,
    operatorName: operator.name,
    senderSocketId: socket.id,
  })
}

const typing = async ({ io, ...chat }: ServerContext, to: ChatAddress, isTyping: boolean): Promise<Reply> => {
  const isKnown = typeof to === 'string' && isConversation(to)
  const conversation = isKnown ? to : (await resolveAddress({ io, ...chat }, to)).conversation
  if (conversation !== null) io.to(conversationRoom(conversation)).emit('operatorTyping', { isTyping })
  return {}
}

/** With the address that an answer to the chat is sent to. */
const withAddress = (chat: RecentChat): RecentChat & { readonly to: string | null } => {
  const addressIn = (sessionId: string | null): string | null =>
    addressOf({ sessionId, clientId: chat.clientId, guestUsername: chat.username })
  const conversations = [...new Set(chat.conversations.flatMap((one) => addressIn(one) ?? []))]
  return { ...chat, conversations, to: conversations[0] ?? addressIn(null) }
}
