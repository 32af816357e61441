import type { NewChatMessage } from '../../persistence/message.js'
import type { Reply } from './answering.js'
import type { ChatSocket } from '../chat-io.js'
import type { MessagePayload } from '../../protocol/payloads.js'
import type { Submission } from '../../journal/submission.js'
import type { ServerContext } from './server-context.js'

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

/**
 * Keeps a message and tells the others of it. The sender gets the answer, and after it an event by which one who asks for
 * no acknowledgements learns the same.
 */
export const keepAndAnnounce = async (
  { announce, sink }: ServerContext,
  socket: ChatSocket,
  submission: Submission,
): Promise<Reply> => {
  const { messageId, message } = submission
  const clientId = message.sessionId
  const kept = await sink.keep(submission)
  if (kept.queued) {
    return {
      answer: { queued: true, messageId },
      afterwards: () => socket.emit('messageQueued', { messageId, clientId, reason: kept.reason }),
    }
  }
  const { id, createdAt, duplicate } = kept.saved
  announce(submission, kept.saved)
  return {
    answer: { id, messageId, duplicate },
    afterwards: () =>
      socket.emit('messageSent', { messageId, clientId, timestamp: createdAt.toISOString(), queued: false }),
  }
}
