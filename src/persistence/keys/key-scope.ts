import { createHash } from 'node:crypto'
import type { ChatMessage } from '../message.js'
import type { PreparedMessage } from '../prepare-message.js'

/** Whether a key names one message of all, or one of its sender. */
export const IDEMPOTENCY_SCOPES = ['all', 'sender'] as const
export type IdempotencyScope = (typeof IDEMPOTENCY_SCOPES)[number]

/** Whether the text has the form of a conversation's name. */
export const isConversation = (text: string): boolean => /^guest-[A-Za-z0-9_-]{22}$/.test(text)

/** Leaves room in a key for a `messageId` of any characters. */
const MAX_NAME_IN_KEY = 240

/** The sender of an operator's messages. One without an id is known by the name, which no column holds, if there is one. */
export const operatorSender = ({ operatorId, name }: OperatorInKey): string => {
  if (operatorId != null) return `operator-${operatorId}`
  if (name === undefined) return 'operator-unknown'
  const encoded = encodeURIComponent(name)
  if (encoded.length <= MAX_NAME_IN_KEY) return `operator-named-${encoded}`
  return `operator-hashed-${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`
}

/** Who sent an operator's message, as its key tells. */
export interface OperatorInKey {
  readonly operatorId?: number | null | undefined
  readonly name?: string | undefined
}

/** What the key of an operator's message tells of its sender; undefined for a key that no chat server made. */
export const operatorInKey = (key: string): OperatorInKey | undefined => {
  const [, id, name] = OPERATOR_KEY.exec(key) ?? []
  if (id !== undefined) return { operatorId: Number(id) }
  try {
    return name === undefined ? undefined : { name: decodeURIComponent(name) }
  } catch {
    // The application made the key.
    return undefined
  }
}

const OPERATOR_KEY = /^operator-(?:(-?\d{1,16})|named-([^/]+))\//

/**
 * The key under which a sender's message is stored; two senders may use the same key.
 * @param sender has no slash: a guest's conversation, `operatorSender`, or what `senderOf` makes
 */
export const idempotencyKeyOf = (sender: string, key: string): string => `${sender}/${key}`

/**
 * The message with its key in the scope of its sender. What identifies the sender is read from the message alone, so that a resend
 * finds it whatever has become of the client since. A key that is in that scope already, as a chat server's is, stays.
 */
export const inSenderScope = (message: PreparedMessage): PreparedMessage => {
  const { idempotencyKey: key } = message
  const prefix = idempotencyKeyOf(senderOf(message), '')
  return key.startsWith(prefix)
    ? { ...message, ownKey: key.slice(prefix.length) }
    : { ...message, idempotencyKey: prefix + key, ownKey: key }
}

type Sender = Pick<
  PreparedMessage,
  'senderType' | 'operatorId' | 'sessionId' | 'clientId' | 'guestUsername' | 'clientSocketId'
>

const senderOf = ({ senderType, operatorId, sessionId, clientId, guestUsername, clientSocketId }: Sender): string => {
  if (senderType === 'OPERATOR') return operatorSender({ operatorId })
  if (sessionId !== null) return isConversation(sessionId) ? sessionId : named('session', sessionId)
  if (clientId !== null) return `client-${clientId}`
  return guestUsername === null ? named('socket', clientSocketId ?? '') : named('name', guestUsername)
}

/** Longer names are hashed: keys are indexed, and index entries have a size limit. */
const MAX_NAME_BYTES = 100

const named = (kind: string, name: string): string => {
  const escaped = name.replaceAll('%', '%25').replaceAll('/', '%2F')
  if (Buffer.byteLength(escaped) <= MAX_NAME_BYTES) return `${kind}-${escaped}`
  return `${kind}-%${createHash('sha256').update(name).digest('base64url')}`
}

const SCOPED =
  /^(?:guest-[A-Za-z0-9_-]{22}|operator-(?:-?\d+|unknown)|client--?\d+|(?:session|name|socket)-[^/]*)\/(.+)$/s

/** The key as its caller gave it, of a key that is stored. */
export const ownKeyIn = (stored: string | null): string | null => SCOPED.exec(stored ?? '')?.[1] ?? stored

/** The message with the key that its caller gave. */
export const withOwnKey = <Message extends Pick<ChatMessage, 'idempotencyKey'>>(message: Message): Message => ({
  ...message,
  idempotencyKey: ownKeyIn(message.idempotencyKey),
})

/** The key of a message as its caller gave it. */
export const ownKeyOf = ({ idempotencyKey, ownKey = idempotencyKey }: PreparedMessage): string => ownKey
