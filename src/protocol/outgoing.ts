import type { ChatMessage, SavedChatMessage } from '../persistence/message.js'
import type { WireError } from './acknowledgement.js'
import type { Operator } from './participants.js'
import type { MessagePayload } from './payloads.js'

/** What a message says, as it goes over the socket; absent parts are left out. */
export interface WireContent {
  readonly type: 'text' | 'image'
  readonly message?: string
  readonly image?: string
  readonly name?: string
  readonly mimeType?: string
  readonly size?: number
}

interface WireMessage extends WireContent {
  readonly id: number
  /** When it was stored, ISO 8601. */
  readonly timestamp: string
}

/** `from` is the conversation's public name. */
export interface IncomingMessage extends WireMessage {
  readonly from: string
}

export interface OperatorMessage extends WireMessage {
  readonly from: string
  readonly operatorName: string
}

export interface OperatorBroadcast extends WireMessage {
  readonly clientId: string
  readonly operatorId: number | null
  readonly operatorName: string
}

export interface ConnectedOperator {
  readonly operatorId: number | null
  readonly name: string
}

export interface MessageSent {
  readonly messageId: string
  readonly clientId: string
  readonly timestamp: string
  readonly queued: boolean
}

/** The message is safe in the journal; `messageSent` follows when it is in the database. */
export interface MessageQueued {
  readonly messageId: string
  readonly clientId: string
  /** Code of what keeps it out of the database. */
  readonly reason: string
}

/** Everything that the server emits. */
export interface ServerToClientEvents {
  newChat: (chat: { readonly clientId: string; readonly username: string }) => void
  incomingMessage: (message: IncomingMessage) => void
  operatorBroadcast: (message: OperatorBroadcast) => void
  clientTyping: (typing: { readonly from: string; readonly isTyping: boolean }) => void
  chatEnded: (chat: { readonly clientId: string }) => void
  operatorConnected: (operator: ConnectedOperator) => void
  operatorDisconnected: (operator: ConnectedOperator) => void
  connectedOperatorsList: (operators: readonly ConnectedOperator[]) => void
  operatorMessage: (message: OperatorMessage) => void
  /** The same as `operatorMessage`, for older widgets. */
  incomingOperatorMessage: (message: OperatorMessage) => void
  operatorTyping: (typing: { readonly isTyping: boolean }) => void
  messageSent: (receipt: MessageSent) => void
  messageQueued: (receipt: MessageQueued) => void
  /** Why the server is about to end the connection. */
  refused: (error: WireError) => void
}

export const toIncomingMessage = (from: string, payload: MessagePayload, saved: SavedChatMessage): IncomingMessage => ({
  from,
  ...toWireMessage(payload, saved),
})

export const toOperatorMessage = (
  from: string,
  operator: Operator,
  payload: MessagePayload,
  saved: SavedChatMessage,
): OperatorMessage => ({ from, operatorName: operator.name, ...toWireMessage(payload, saved) })

export const toOperatorBroadcast = (
  clientId: string,
  operator: Operator,
  payload: MessagePayload,
  saved: SavedChatMessage,
): OperatorBroadcast => ({
  clientId,
  operatorId: operator.operatorId,
  operatorName: operator.name,
  ...toWireMessage(payload, saved),
})

const toWireMessage = (payload: MessagePayload, { id, createdAt }: SavedChatMessage): WireMessage => {
  const { type, message, image, name, mimeType, size } = payload
  return {
    type,
    ...(message == null ? {} : { message }),
    ...(image == null ? {} : { image }),
    ...(name == null ? {} : { name }),
    ...(mimeType == null ? {} : { mimeType }),
    ...(size == null ? {} : { size }),
    id,
    timestamp: createdAt.toISOString(),
  }
}

/** A stored message as its guest may see it: no database id of a client, no socket, no phone. */
export type GuestHistoryMessage = Pick<
  ChatMessage,
  'id' | 'createdAt' | 'senderType' | 'messageType' | 'text' | 'imageUrl' | 'imageName' | 'mimeType' | 'guestUsername'
> & {
  /** The guest's own key, so that it can tell which of its unacknowledged messages arrived; null for an operator's message. */
  readonly messageId: string | null
}

export const toGuestHistoryMessage = (conversation: string, message: ChatMessage): GuestHistoryMessage => {
  const { id, createdAt, senderType, messageType, text, imageUrl, imageName, mimeType, guestUsername } = message
  const prefix = `${conversation}/`
  const key = message.idempotencyKey
  const messageId = key?.startsWith(prefix) === true ? key.slice(prefix.length) : null
  return { id, createdAt, senderType, messageType, text, imageUrl, imageName, mimeType, guestUsername, messageId }
}
