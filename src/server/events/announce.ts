import type { SavedChatMessage } from '../../persistence/message.js'
import { forgetOldest } from '../../collections/forget-oldest.js'
import type { ChatIo } from '../chat-io.js'
import {
  toIncomingMessage,
  toOperatorBroadcast,
  toOperatorMessage,
  type KeyedPayload,
} from '../../protocol/outgoing.js'
import type { Operator } from '../../protocol/participants.js'
import { hideId, type OpaqueText } from '../../protocol/opaque-text.js'
import { conversationRoom, OPERATORS } from '../cluster/presence.js'
import type { Submission } from '../../journal/submission.js'

export type Announce = (submission: Submission, saved: SavedChatMessage) => void

/** Enough for a resend, which follows its first attempt within seconds. */
const MAX_REMEMBERED = 10_000

/**
 * Announces each message once. After two attempts with unknown outcomes, both may report that they stored the message; both
 * then report the same id.
 */
export const createAnnouncer = (io: ChatIo, opaque: OpaqueText): Announce => {
  const announced = new Set<number>()
  return (submission, saved) => {
    if (saved.duplicate || announced.has(saved.id)) return
    announced.add(saved.id)
    forgetOldest(announced, MAX_REMEMBERED)
    announce(io, opaque, submission, saved)
  }
}

/** Sends a committed message to the other side and to the operators. */
const announce = (io: ChatIo, opaque: OpaqueText, submission: Submission, saved: SavedChatMessage): void => {
  const conversation = submission.message.sessionId
  const payload = payloadOf(submission)
  const operator = operatorOf(submission)
  if (operator === undefined) {
    io.to(OPERATORS).emit('incomingMessage', toIncomingMessage(conversation, payload, saved))
    return
  }
  const message = toOperatorMessage(conversation, operator, payload, { ...saved, id: hideId(opaque, saved.id) })
  io.to(conversationRoom(conversation)).emit('operatorMessage', message)
  io.to(conversationRoom(conversation)).emit('incomingOperatorMessage', message)
  io.to(OPERATORS)
    .except(submission.senderSocketId)
    .emit('operatorBroadcast', toOperatorBroadcast(conversation, operator, payload, saved))
}

/** Confirms a queued message to its sender, on every socket that the sender has by now: it is in the database. */
export const confirm = (io: ChatIo, submission: Submission, { createdAt }: SavedChatMessage): void => {
  const { messageId, message } = submission
  const receipt = { messageId, clientId: message.sessionId, timestamp: createdAt.toISOString(), queued: false }
  const operator = operatorOf(submission)
  if (operator === undefined) io.to(conversationRoom(message.sessionId)).emit('messageSent', receipt)
  else for (const socket of socketsOf(io, operator)) socket.emit('messageSent', receipt)
}

const operatorOf = ({ operatorName, message }: Submission): Operator | undefined =>
  operatorName === null ? undefined : { role: 'operator', operatorId: message.operatorId ?? null, name: operatorName }

const socketsOf = (io: ChatIo, { operatorId, name }: Operator) =>
  [...io.sockets.values()].filter(({ data: { participant } }) => {
    return participant?.role === 'operator' && participant.operatorId === operatorId && participant.name === name
  })

const payloadOf = ({ message, messageId, size }: Submission): KeyedPayload => ({
  type: message.messageType === 'TEXT' ? 'text' : 'image',
  message: message.text,
  image: message.imageUrl,
  name: message.imageName,
  mimeType: message.mimeType,
  size,
  messageId,
})
