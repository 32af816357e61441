import { randomUUID } from 'node:crypto'
import type { Reply } from './answering.js'
import type { ServerContext, Listeners, SocketSession } from './server-context.js'
import { idempotencyKeyOf, operatorSender } from '../../protocol/identity.js'
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
import { checkImage, contentOf, keepAndAnnounce } from './saving.js'

/** The events of an operator, except `join` and `history`. */
export const operatorListeners = (chat: ServerContext, session: SocketSession): Listeners => {
  const { io, store, answer } = chat
  const { socket, inOrder } = session
  return {
    operatorMessage: answer('operatorMessage', operatorMessageSchema, ({ to, ...payload }) => {
      const operator = operatorAt(socket)
      checkImage('operatorMessage', payload, chat.images)
      return inOrder(() => keepOperatorMessage(chat, session, operator, to, payload))
    }),
    operatorTyping: answer('operatorTyping', operatorTypingSchema, ({ to, isTyping }) => {
      operatorAt(socket)
      io.to(conversationRoom(to)).emit('operatorTyping', { isTyping })
      return {}
    }),
    getConnectedOperators: answer('getConnectedOperators', emptySchema, () => {
      operatorAt(socket)
      return { afterwards: () => socket.emit('connectedOperatorsList', connectedOperators(chat)) }
    }),
    recentChats: answer('recentChats', recentChatsSchema, (payload) => {
      operatorAt(socket)
      return inOrder(async () => {
        const { chats, nextBefore } = await store.getRecentChats(pageOf(payload))
        return { answer: { chats, nextBefore } }
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
  to: string,
  payload: MessagePayload,
): Promise<Reply> => {
  const messageId = payload.messageId ?? randomUUID()
  return keepAndAnnounce(chat, socket, {
    message: {
      ...contentOf(payload),
      senderType: 'OPERATOR',
      operatorId: operator.operatorId,
      sessionId: to,
      idempotencyKey: idempotencyKeyOf(operatorSender(operator.operatorId), messageId),
    },
    messageId,
    contactKnown: false,
    size: payload.size ?? null,
    operatorName: operator.name,
    senderSocketId: socket.id,
  })
}
