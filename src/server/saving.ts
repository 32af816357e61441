import type { NewChatMessage, SavedChatMessage } from '../persistence/message.js'
import type { Reply } from './answering.js'
import type { ChatSocket } from './chat.js'
import type { MessagePayload } from './payloads.js'

/** What a message says, in the words of the core. */
export const contentOf = (
  payload: MessagePayload,
): Pick<NewChatMessage, 'messageType' | 'text' | 'imageUrl' | 'imageName' | 'mimeType'> => ({
  messageType: payload.type === 'text' ? 'TEXT' : 'IMAGE',
  text: payload.message,
  imageUrl: payload.image,
  imageName: payload.name,
  mimeType: payload.mimeType,
})

/** The answer to a kept message, and the receipt by which a sender without acknowledgements learns the same. */
export const receiptOf = (
  socket: ChatSocket,
  conversation: string,
  messageId: string,
  { id, createdAt, duplicate }: SavedChatMessage,
): Reply => ({
  answer: { id, messageId, duplicate },
  afterwards: () =>
    socket.emit('messageSent', {
      messageId,
      clientId: conversation,
      timestamp: createdAt.toISOString(),
      queued: false,
    }),
})
