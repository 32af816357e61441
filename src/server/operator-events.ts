import { randomUUID } from 'node:crypto'
import type { Reply } from './answering.js'
import type { Chat, Listeners, Seat } from './chat.js'
import { findContact } from './conversation.js'
import { idempotencyKeyOf, operatorSender } from './identity.js'
import { markRead } from './mark-read.js'
import { toOperatorBroadcast, toOperatorMessage } from './outgoing.js'
import type { Operator } from './participants.js'
import {
  emptySchema,
  markReadSchema,
  operatorMessageSchema,
  operatorTypingSchema,
  recentChatsSchema,
  type MessagePayload,
} from './payloads.js'
import { connectedOperators, conversationRoom, operatorAt, OPERATORS } from './presence.js'
import { contentOf, receiptOf } from './saving.js'

/** What an operator may ask for, apart from `join` and `history`. */
export const operatorListeners = (chat: Chat, seat: Seat): Listeners => {
  const { io, store, answer } = chat
  const { socket, inOrder } = seat
  return {
    operatorMessage: answer('operatorMessage', operatorMessageSchema, ({ to, ...payload }) => {
      const operator = operatorAt(socket)
      return inOrder(() => keepOperatorMessage(chat, seat, operator, to, payload))
    }),
    operatorTyping: answer('operatorTyping', operatorTypingSchema, ({ to, isTyping }) => {
      operatorAt(socket)
      io.to(conversationRoom(to)).emit('operatorTyping', { isTyping })
      return {}
    }),
    getConnectedOperators: answer('getConnectedOperators', emptySchema, () => {
      operatorAt(socket)
      return { afterwards: () => socket.emit('connectedOperatorsList', connectedOperators(io)) }
    }),
    recentChats: answer('recentChats', recentChatsSchema, ({ before, limit }) => {
      operatorAt(socket)
      return inOrder(async () => {
        const { chats, nextBefore } = await store.getRecentChats({
          before: before ?? undefined,
          limit: limit ?? undefined,
        })
        return { answer: { chats, nextBefore } }
      })
    }),
    markRead: answer('markRead', markReadSchema, ({ upToMessageId, ...whose }) => {
      const { operatorId } = operatorAt(socket)
      return inOrder(() => markRead(chat, operatorId, whose, upToMessageId ?? undefined))
    }),
  }
}

const keepOperatorMessage = async (
  chat: Chat,
  { socket }: Seat,
  operator: Operator,
  to: string,
  payload: MessagePayload,
): Promise<Reply> => {
  const { io, store } = chat
  const messageId = payload.messageId ?? randomUUID()
  const message = {
    ...contentOf(payload),
    ...(await findContact(chat, to)),
    senderType: 'OPERATOR' as const,
    operatorId: operator.operatorId,
    sessionId: to,
    idempotencyKey: idempotencyKeyOf(operatorSender(operator.operatorId), messageId),
  }
  const saved = await store.saveChatMessage(message)
  if (!saved.duplicate) {
    chat.recorder?.record({ message, createdAt: saved.createdAt, operatorName: operator.name })
    const announced = toOperatorMessage(to, operator, payload, saved)
    io.to(conversationRoom(to)).emit('operatorMessage', announced)
    io.to(conversationRoom(to)).emit('incomingOperatorMessage', announced)
    io.to(OPERATORS)
      .except(socket.id)
      .emit('operatorBroadcast', toOperatorBroadcast(to, operator, payload, saved))
  }
  return receiptOf(socket, to, messageId, saved)
}
