import { toStorableText } from '../../persistence/content/storable-text.js'
import { idempotencyKeyOf, operatorSender } from '../../persistence/keys/key-scope.js'
import { toStorablePhone, toUsername } from '../../persistence/prepare-message.js'
import type { Operator } from '../../protocol/participants.js'

/** What must be stored for a message. */
export interface ExpectedContent {
  readonly idempotencyKey: string
  readonly senderType: 'CLIENT' | 'OPERATOR'
  /** TEXT when absent. */
  readonly messageType?: 'TEXT' | 'IMAGE'
  readonly text: string | null
  /** NULL when absent, like the two that follow. */
  readonly imageUrl?: string | null
  readonly imageName?: string | null
  readonly mimeType?: string | null
  readonly guestUsername: string | null
  readonly sessionId: string
  /** Null when the server sets it. */
  readonly createdAt: Date | null
  /** Not compared when absent. */
  readonly guestPhone?: string | null
  /** Null for guests, and for operators without a row in "User". */
  readonly operatorId: number | null
}

/** A message as it goes over the socket. */
export interface SocketMessage {
  readonly messageId: string
  readonly type?: 'text' | 'image' | undefined
  readonly message?: string | null | undefined
  readonly image?: string | null | undefined
  readonly name?: string | null | undefined
  readonly mimeType?: string | null | undefined
}

/** The guest whose conversation a message belongs to. */
export interface SocketGuest {
  /** Its public id: `clientId` in the answer to the join. */
  readonly conversation: string
  readonly username: string
  /** Not compared when absent. */
  readonly phone?: string | null | undefined
}

/** The row that must be stored for a guest's message over the socket. */
export const contentOfGuestMessage = (guest: SocketGuest, message: SocketMessage): ExpectedContent => ({
  idempotencyKey: idempotencyKeyOf(guest.conversation, message.messageId),
  senderType: 'CLIENT',
  operatorId: null,
  ...conversationOf(guest),
  ...bodyOf(message),
})

/** The row that must be stored for an operator's message over the socket. @param operator its id is null when it is not in "User" */
export const contentOfOperatorMessage = (
  operator: Pick<Operator, 'operatorId' | 'name'>,
  guest: SocketGuest,
  message: SocketMessage,
): ExpectedContent => ({
  idempotencyKey: idempotencyKeyOf(operatorSender(operator), message.messageId),
  senderType: 'OPERATOR',
  operatorId: operator.operatorId,
  ...conversationOf(guest),
  ...bodyOf(message),
})

// The server sets the time of messages that come over the socket.
const conversationOf = ({ conversation, username, phone }: SocketGuest) => ({
  guestUsername: toUsername(username),
  sessionId: conversation,
  createdAt: null,
  ...(phone === undefined ? {} : { guestPhone: toStorablePhone(phone) }),
})

/** The columns that must be stored for the content of a message. */
export const bodyOf = ({ type, message, image, name, mimeType }: Omit<SocketMessage, 'messageId'>) => ({
  messageType: (type ?? (image == null ? 'text' : 'image')) === 'text' ? ('TEXT' as const) : ('IMAGE' as const),
  text: storable(message),
  imageUrl: storable(image),
  imageName: storable(name),
  mimeType: storable(mimeType),
})

const storable = (text: string | null | undefined): string | null => (text == null ? null : toStorableText(text))
