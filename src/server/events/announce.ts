import type { SavedChatMessage } from '../../persistence/message.js'
import { forgetOldest } from '../../collections/forget-oldest.js'
import type { OperatorError } from '../../errors.js'
import { addressOf } from '../../persistence/chats/address.js'
import type { ChatIo } from '../chat-io.js'
import type { Answer } from './guest-feed.js'
import { toWireError } from './wire-error.js'
import {
  toIncomingMessage,
  toOperatorBroadcast,
  toOperatorMessage,
  type KeyedPayload,
  type ServerToClientEvents,
} from '../../protocol/outgoing.js'
import type { Operator } from '../../protocol/participants.js'
import { hideId, type OpaqueText } from '../../protocol/opaque-text.js'
import { conversationRoom, OPERATORS } from '../cluster/presence.js'
import type { Submission } from '../../journal/submission.js'

export type Announce = (submission: Submission, saved: SavedChatMessage) => void

interface AnnouncerParts {
  readonly io: ChatIo
  readonly opaque: OpaqueText
  /** To the guest's pages on all servers. */
  readonly sendAnswer: (conversation: string, answer: Answer) => void
}

/** Enough for a resend, which follows its first attempt within seconds. */
const MAX_REMEMBERED = 10_000

/**
 * Announces each message once. After two attempts with unknown outcomes, both may report that they stored the message; both
 * then report the same id.
 */
export const createAnnouncer = (parts: AnnouncerParts): Announce => {
  const announced = new Set<number>()
  return (submission, saved) => {
    if (saved.duplicate || announced.has(saved.id)) return
    announced.add(saved.id)
    forgetOldest(announced, MAX_REMEMBERED)
    announce(parts, submission, saved)
  }
}

/** Sends a committed message to the other side and to the operators. */
const announce = (
  { io, opaque, sendAnswer }: AnnouncerParts,
  submission: Submission,
  saved: SavedChatMessage,
): void => {
  const conversation = submission.message.sessionId
  const payload = payloadOf(submission)
  const operator = operatorOf(submission)
  if (operator === undefined) {
    io.to(OPERATORS).emit('incomingMessage', toIncomingMessage(conversation, payload, saved))
    return
  }
  const message = toOperatorMessage(conversation, operator, payload, { ...saved, id: hideId(opaque, saved.id) })
  sendAnswer(conversation, { id: saved.id, message })
  io.to(OPERATORS)
    .except(submission.senderSocketId)
    .emit(
      'operatorBroadcast',
      toOperatorBroadcast({ clientId: conversation, to: addressOfChat(submission) }, operator, payload, saved),
    )
}

/** Confirms a queued message to its sender: it is in the database. */
export const confirm = (io: ChatIo, submission: Submission, { createdAt }: SavedChatMessage): void =>
  tellSender(io, submission, 'messageSent', { ...receiptOf(submission), ...storedAt(createdAt) })

/** Tells the sender of a queued message that the database will never take it. */
export const reject = (io: ChatIo, submission: Submission, error: OperatorError): void =>
  tellSender(io, submission, 'messageRejected', { ...receiptOf(submission), error: toWireError(error) })

/** What a receipt says of a message that is in the database. */
export const storedAt = (createdAt: Date) => ({ timestamp: createdAt.toISOString(), queued: false })

/** What every receipt says of its message; to an operator, also the address of the chat. */
export const receiptOf = (submission: Submission) => ({
  messageId: submission.messageId,
  clientId: submission.message.sessionId,
  ...(submission.operatorName === null ? {} : { to: addressOfChat(submission) }),
})

/** Of an answer that waits for its conversation: the address that it was sent to. */
const addressOfChat = ({ message }: Submission): string => {
  const { sessionId, clientId = null, guestUsername = null } = message
  return addressOf({ sessionId, clientId, guestUsername }) ?? sessionId
}

type Receipts = Pick<ServerToClientEvents, 'messageSent' | 'messageRejected'>

/** On every socket that the sender has by now. */
const tellSender = <Event extends keyof Receipts>(
  io: ChatIo,
  submission: Submission,
  event: Event,
  ...receipt: Parameters<Receipts[Event]>
): void => {
  const operator = operatorOf(submission)
  if (operator === undefined) io.to(conversationRoom(submission.message.sessionId)).emit(event, ...receipt)
  else for (const socket of socketsOf(io, operator)) socket.emit(event, ...receipt)
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
