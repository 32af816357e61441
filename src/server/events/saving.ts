import { oversizedFields } from '../../persistence/content/message-size.js'
import { InvalidMessage } from '../../persistence/errors.js'
import type { NewChatMessage } from '../../persistence/message.js'
import type { Reply } from './answering.js'
import type { ChatSocket } from '../chat-io.js'
import { imageMistakes } from '../../protocol/image.js'
import { hideId } from '../../protocol/opaque-text.js'
import { invalidPayload } from '../../protocol/refusals.js'
import type { MessagePayload } from '../../protocol/payloads.js'
import type { Submission } from '../../journal/submission.js'
import { receiptOf, storedAt } from './announce.js'
import type { ServerContext } from './server-context.js'

/** The content of a payload, as fields of the core. */
export const contentOf = (
  payload: MessagePayload,
): Pick<NewChatMessage, 'messageType' | 'text' | 'imageUrl' | 'imageName' | 'mimeType'> => ({
  messageType: payload.type === 'text' ? 'TEXT' : 'IMAGE',
  text: payload.message,
  imageUrl: payload.image,
  imageName: payload.name,
  mimeType: payload.mimeType,
})

/** @throws InvalidMessage for what is too large; OperatorError `invalid_payload` for what a page could run instead of show */
export const checkContent = (
  { images, limits, observer }: Pick<ServerContext, 'images' | 'limits' | 'observer'>,
  event: string,
  payload: MessagePayload,
): void => {
  const tooLarge = oversizedFields({ text: payload.message, imageUrl: payload.image }, limits.maxMessageBytes)
  if (tooLarge.length > 0) {
    observer.limited('maxMessageBytes')
    throw new InvalidMessage(tooLarge.map(inFieldsOfSocket))
  }
  const large = payload.type === 'text' ? 'message' : 'image'
  if ((payload[large] ?? '') === '') throw new InvalidMessage([`${large} is empty`])
  const mistakes = imageMistakes(payload, images)
  if (mistakes.length > 0) throw invalidPayload(event, mistakes)
}

/** A reason of the core names its own fields. */
const inFieldsOfSocket = (reason: string): string =>
  reason.replace(/^text /, 'message ').replace(/^imageUrl /, 'image ')

/**
 * Keeps a message and announces it. The sender gets the acknowledgement, and after it `messageSent` or `messageQueued`, which
 * say the same to clients that use no acknowledgements.
 */
export const keepAndAnnounce = async (
  { announce, sink, opaque, observer }: ServerContext,
  socket: ChatSocket,
  submission: Submission,
): Promise<Reply> => {
  const { operatorName } = submission
  const kept = await sink.keep(submission)
  const receipt = receiptOf(kept.queued ? submission : kept.submission)
  const { clientId: _, ...address } = receipt
  if (kept.queued) {
    observer.decided('queued')
    return {
      answer: { queued: true, ...address },
      afterwards: () => socket.emit('messageQueued', { ...receipt, reason: kept.reason }),
    }
  }
  const { id, createdAt, duplicate } = kept.saved
  observer.decided(duplicate ? 'duplicate' : 'committed')
  announce(kept.submission, kept.saved)
  return {
    answer: { id: operatorName === null ? hideId(opaque, id) : id, ...address, duplicate },
    afterwards: () => socket.emit('messageSent', { ...receipt, ...storedAt(createdAt) }),
  }
}
