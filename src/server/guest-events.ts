import { randomUUID } from 'node:crypto'
import type { Reply } from './answering.js'
import type { Chat, Listeners, Seat } from './chat.js'
import { idempotencyKeyOf } from './identity.js'
import { toIncomingMessage } from './outgoing.js'
import type { Guest } from './participants.js'
import { emptySchema, guestMessageSchema, guestTypingSchema, type MessagePayload } from './payloads.js'
import { guestAt, OPERATORS } from './presence.js'
import { contentOf, receiptOf } from './saving.js'

/** What a guest or client may ask for, apart from `join` and `history`. */
export const guestListeners = (chat: Chat, seat: Seat): Listeners => {
  const { io, answer } = chat
  const { socket, inOrder } = seat
  return {
    clientMessage: answer('clientMessage', guestMessageSchema, (payload) => {
      const guest = guestAt(socket)
      return inOrder(() => keepGuestMessage(chat, seat, guest, payload))
    }),
    clientTyping: answer('clientTyping', guestTypingSchema, ({ isTyping }) => {
      io.to(OPERATORS).emit('clientTyping', { from: guestAt(socket).conversation, isTyping })
      return {}
    }),
    // In order, so that the last messages reach the operators before the end does.
    chatEnded: answer('chatEnded', emptySchema, () => {
      const { conversation: clientId } = guestAt(socket)
      return inOrder(() => {
        io.to(OPERATORS).emit('chatEnded', { clientId })
        return {}
      })
    }),
  }
}

const keepGuestMessage = async (
  chat: Chat,
  { socket }: Seat,
  guest: Guest,
  payload: MessagePayload,
): Promise<Reply> => {
  const { conversation, username, phone } = guest
  const messageId = payload.messageId ?? randomUUID()
  const message = {
    ...contentOf(payload),
    senderType: 'CLIENT' as const,
    guestUsername: username,
    guestPhone: phone,
    clientSocketId: socket.id,
    sessionId: conversation,
    idempotencyKey: idempotencyKeyOf(conversation, messageId),
  }
  const saved = await chat.store.saveChatMessage(message)
  if (!saved.duplicate) chat.recorder?.record({ message, createdAt: saved.createdAt, operatorName: null })
  if (!saved.duplicate) chat.io.to(OPERATORS).emit('incomingMessage', toIncomingMessage(conversation, payload, saved))
  return receiptOf(socket, conversation, messageId, saved)
}
