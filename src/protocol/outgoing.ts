import { idempotencyKeyOf, type IdempotencyScope } from '../persistence/keys/key-scope.js'
import type { ChatMessage, SavedChatMessage } from '../persistence/message.js'
import type { Refusal, WireError } from './acknowledgement.js'
import { hideId, type OpaqueText } from './opaque-text.js'
import type { Guest, Operator } from './participants.js'
import type { MessagePayload } from './payloads.js'

/** The content of a message on the socket; absent parts are omitted. */
export interface WireContent {
  readonly type: 'text' | 'image'
  readonly message?: string
  readonly image?: string
  readonly name?: string
  readonly mimeType?: string
  readonly size?: number
}

interface WireMessage<Id> extends WireContent {
  readonly id: Id
  /** Time of storage, ISO 8601. */
  readonly timestamp: string
}

/** For operators: the address of the chat, the same in every event and answer, which every event of an operator takes. */
export interface WithAddress {
  readonly to: string
}

/** For operators. After an asynchronous failover an id can be given twice, a key never. */
interface KeyedMessage extends WireMessage<number> {
  /** The sender's key, unique in its conversation. */
  readonly messageId: string
}

/** `from` is the conversation's public name. */
export interface IncomingMessage extends KeyedMessage, WithAddress {
  readonly from: string
  /** Written under the name of a registered client, without proof of identity. */
  readonly guestUnverified: boolean
}

/** For guests, whose ids are opaque. */
export interface OperatorMessage extends WireMessage<string> {
  readonly from: string
  readonly operatorName: string
}

export interface OperatorBroadcast extends KeyedMessage, WithAddress {
  readonly clientId: string
  readonly operatorId: number | null
  readonly operatorName: string
}

export interface ConnectedOperator {
  readonly operatorId: number | null
  readonly name: string
}

export interface MessageSent extends Partial<WithAddress> {
  readonly messageId: string
  readonly clientId: string
  readonly timestamp: string
  readonly queued: boolean
}

/** The message is in the journal; `messageSent` follows when it is in the database. */
export interface MessageQueued extends Partial<WithAddress> {
  readonly messageId: string
  readonly clientId: string
  /** Code of the reason why it is not in the database yet. */
  readonly reason: string
}

/** The message was in the journal, and the database will never take it: it is kept in a file of the server. */
export interface MessageRejected extends Partial<WithAddress> {
  readonly messageId: string
  readonly clientId: string
  /** As in an acknowledgement. */
  readonly error: WireError
}

/** What a guest learns at a join; the token identifies it on return. */
export interface JoinedGuest {
  readonly token: string
  readonly clientId: string
}

/** A guest who is connected. */
export interface NewChat extends WithAddress {
  readonly clientId: string
  readonly username: string
  readonly phone?: string
}

/** For operators. */
export interface EndedChat extends WithAddress {
  /** The same as `to`. */
  readonly clientId: string
  /** `disconnect`: its guest is not connected any more. Absent when the guest ended it. */
  readonly reason?: 'operator' | 'disconnect'
}

/** All events that the server emits. */
export interface ServerToClientEvents {
  /** The same as the answer to `join`, which a join in the handshake has not; to an operator, who it joined as. */
  joined: (who: (JoinedGuest | ConnectedOperator) & { readonly maxMessageBytes: number }) => void
  newChat: (chat: NewChat) => void
  incomingMessage: (message: IncomingMessage) => void
  operatorBroadcast: (message: OperatorBroadcast) => void
  clientTyping: (typing: WithAddress & { readonly from: string; readonly isTyping: boolean }) => void
  /** To operators; to the guest whose chat an operator ended, what to show. */
  chatEnded: (chat: EndedChat | { readonly message: string }) => void
  operatorConnected: (operator: ConnectedOperator) => void
  operatorDisconnected: (operator: ConnectedOperator) => void
  connectedOperatorsList: (operators: readonly ConnectedOperator[]) => void
  operatorMessage: (message: OperatorMessage) => void
  /** The same as `operatorMessage`, for older widgets. */
  incomingOperatorMessage: (message: OperatorMessage) => void
  operatorTyping: (typing: { readonly isTyping: boolean }) => void
  /** To guests, for Socket.IO's client, which presents it when it connects again. */
  position: (offset: string) => void
  messageSent: (receipt: MessageSent) => void
  messageQueued: (receipt: MessageQueued) => void
  messageRejected: (rejection: MessageRejected) => void
  /** An event without acknowledgement is refused, or the server is about to end the connection. */
  refused: (refusal: Refusal) => void
}

export const toNewChat = ({ conversation: clientId, username, phone }: Guest): NewChat => ({
  clientId,
  to: clientId,
  username,
  ...(phone === null ? {} : { phone }),
})

/** What an operator is told of a message: its content and the sender's key. */
export type KeyedPayload = MessagePayload & { readonly messageId: string }

export const toIncomingMessage = (from: string, payload: KeyedPayload, saved: SavedChatMessage): IncomingMessage => ({
  from,
  to: from,
  ...toWireMessage(payload, saved),
  messageId: payload.messageId,
  guestUnverified: saved.guestUnverified,
})

export const toOperatorMessage = (
  from: string,
  operator: Pick<Operator, 'name'>,
  payload: MessagePayload,
  saved: Stored<string>,
): OperatorMessage => ({ from, operatorName: operator.name, ...toWireMessage(payload, saved) })

export const toOperatorBroadcast = (
  { clientId, to }: WithAddress & { readonly clientId: string },
  operator: Operator,
  payload: KeyedPayload,
  saved: SavedChatMessage,
): OperatorBroadcast => ({
  clientId,
  to,
  operatorId: operator.operatorId,
  operatorName: operator.name,
  ...toWireMessage(payload, saved),
  messageId: payload.messageId,
})

type Stored<Id> = Pick<SavedChatMessage, 'createdAt'> & { readonly id: Id }

const toWireMessage = <Id>(payload: MessagePayload, { id, createdAt }: Stored<Id>): WireMessage<Id> => {
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

/** A stored message as its guest sees it: without database id of the client, socket id and phone. */
export type GuestHistoryMessage = Pick<
  ChatMessage,
  'createdAt' | 'senderType' | 'messageType' | 'text' | 'imageUrl' | 'imageName' | 'mimeType' | 'guestUsername'
> & {
  /** Opaque; the same as in the acknowledgement and in `operatorMessage`. */
  readonly id: string
  /** The guest's own key, which shows which unacknowledged messages arrived; null for an operator's message. */
  readonly messageId: string | null
}

/** How a guest sees messages. */
interface GuestView {
  readonly opaque: OpaqueText
  /** Whether the store gives back keys without their sender. */
  readonly keysOf: IdempotencyScope
}

export const toGuestHistoryMessage = (
  conversation: string,
  message: ChatMessage,
  { opaque, keysOf }: GuestView,
): GuestHistoryMessage => {
  const { id, createdAt, senderType, messageType, text, imageUrl, imageName, mimeType, guestUsername } = message
  const prefix = idempotencyKeyOf(conversation, '')
  const key = message.idempotencyKey
  const ofConversation = key?.startsWith(prefix) === true ? key.slice(prefix.length) : null
  const ofSender = senderType === 'CLIENT' ? key : null
  const messageId = keysOf === 'sender' ? ofSender : ofConversation
  return {
    id: hideId(opaque, id),
    createdAt,
    senderType,
    messageType,
    text,
    imageUrl,
    imageName,
    mimeType,
    guestUsername,
    messageId,
  }
}
