import { randomUUID } from 'node:crypto'
import type { Reply } from './answering.js'
import type { ServerContext, Listeners, SocketSession } from './server-context.js'
import { idempotencyKeyOf } from '../../persistence/keys/key-scope.js'
import type { Guest } from '../../protocol/participants.js'
import { guestMessageSchema, guestTypingSchema, type MessagePayload } from '../../protocol/payloads.js'
import { guestAt, OPERATORS } from '../cluster/presence.js'
import { checkContent, contentOf, keepAndAnnounce } from './saving.js'

/** The messages of a guest or client, and its typing. */
export const guestListeners = (chat: ServerContext, session: SocketSession): Listeners => {
  const { io, answer } = chat
  const { socket, inOrder } = session
  return {
    clientMessage: answer('clientMessage', guestMessageSchema, (payload) => {
      const guest = guestAt(socket)
      checkContent(chat, 'clientMessage', payload)
      return inOrder(() => keepGuestMessage(chat, session, guest, payload))
    }),
    clientTyping: answer('clientTyping', guestTypingSchema, ({ isTyping }) => {
      const { conversation } = guestAt(socket)
      io.to(OPERATORS).emit('clientTyping', { from: conversation, to: conversation, isTyping })
      return {}
    }),
  }
}

const keepGuestMessage = async (
  chat: ServerContext,
  { socket, traffic }: SocketSession,
  guest: Guest,
  payload: MessagePayload,
): Promise<Reply> => {
  const { conversation, username, phone } = guest
  traffic.store(username, Buffer.byteLength(`${payload.message ?? ''}${payload.image ?? ''}`))
  const messageId = payload.messageId ?? randomUUID()
  return keepAndAnnounce(chat, socket, {
    message: {
      ...contentOf(payload),
      senderType: 'CLIENT',
      guestUsername: username,
      guestPhone: phone,
      clientSocketId: socket.id,
      sessionId: conversation,
      idempotencyKey: idempotencyKeyOf(conversation, messageId),
    },
    messageId,
    contactKnown: true,
    size: payload.size ?? null,
    operatorName: null,
    senderSocketId: socket.id,
  })
}
