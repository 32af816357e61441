import { OperatorError } from '../errors.js'
import { parseChatUrl } from './chat-address.js'
import type { Answer } from './chat-connection.js'
import { createChatPeer, type AttemptOutcome } from './chat-peer.js'
import { createOutbox, type KeptMessage, type OutgoingChatMessage, type QueuedMessage } from './outbox.js'

export interface ChatClientOptions {
  /** As `chatkeep serve` prints it, e.g. `http://127.0.0.1:3001/chat`. */
  readonly url: string
  readonly join: GuestIdentity | OperatorIdentity
  /** How long one answer is waited for until the message is sent again, in ms; 10,000 when absent. */
  readonly answerTimeoutMs?: number | undefined
  /** How long a message is repeated until its promise rejects, in ms; without end when absent. */
  readonly patienceMs?: number | undefined
  /** Told of every attempt to send a message and how it ended. */
  readonly onAttempt?: ((attempt: ChatAttempt) => void) | undefined
}

export interface GuestIdentity {
  readonly role: 'client'
  readonly username: string
  readonly phone?: string | null | undefined
  /** Of an earlier visit: the guest comes back as itself. */
  readonly token?: string | undefined
}

export interface OperatorIdentity {
  readonly role: 'operator'
  readonly name: string
  readonly operatorId?: number | null | undefined
  /** The server's operator secret. */
  readonly token: string
}

/** Every attempt is `sent`, then one of the others. */
export interface ChatAttempt {
  readonly messageId: string
  /** Counts from 1. */
  readonly attempt: number
  readonly outcome: AttemptOutcome
  /** The server's, when it refused. */
  readonly code?: string | undefined
}

/** A guest or operator at a chat server who keeps every message until the server has acknowledged it. */
export interface ChatClient {
  /**
   * Sends a message after those before it, one under way at a time, again with the same `messageId` after every cut, silence or
   * "later", until the server has answered for good. A guest's goes into its own conversation, an operator's needs `to`.
   * @throws MessageRefused, and MessageUnanswered when the patience ended; the next message is sent all the same
   * @throws ChatClientClosed
   */
  send(message: OutgoingChatMessage): Promise<KeptMessage>
  /**
   * Asks for `history`, `recentChats`, `markRead` and the like, again while the server cannot answer; beside the messages, not after them.
   * @throws OperatorError `chat_server_unreachable`, or the server's last answer when that was only "later"
   */
  ask(event: string, payload?: object): Promise<Answer>
  /** Tells of one event that the server emits, as `incomingMessage`. @returns what takes the listener away */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** Resolves to the server's answer to the join; joins again by itself after every cut. */
  join(): Promise<Answer>
  /** What was sent and is not acknowledged, in order, each with its `messageId`. */
  readonly unacknowledged: readonly QueuedMessage[]
  /** A guest's, by which it comes back as itself; undefined before the first join. */
  readonly token: string | undefined
  /** Name of a guest's conversation; undefined before the first join. */
  readonly clientId: string | undefined
  /** Ends the connection; what is not acknowledged rejects with ChatClientClosed, which lists all of it. */
  close(): Promise<void>
}

const ANSWER_TIMEOUT_MS = 10_000

/** Connects and joins at once, and stays joined until it is closed. @throws OperatorError `invalid_chat_url` */
export const createChatClient = (options: ChatClientOptions): ChatClient => {
  const { url, join, answerTimeoutMs = ANSWER_TIMEOUT_MS, patienceMs = Infinity, onAttempt } = options
  const closing = new AbortController()
  const peer = createChatPeer({
    address: parseChatUrl(url),
    join: { ...join },
    signal: closing.signal,
    patienceMs,
    answerTimeoutMs,
    whenQueued: 'kept',
  })
  const outbox = createOutbox(async (message, tell) => {
    const { messageId } = message
    let attempt = 0
    return peer.ask(...eventOf(join, message), (outcome, code) => {
      if (outcome === 'sent') attempt += 1
      tell(outcome, code)
      onAttempt?.({ messageId, attempt, outcome, ...(code === undefined ? {} : { code }) })
    })
  })
  // What ends it meets whoever asks next.
  const staying = peer.stayJoined().catch(() => undefined)

  return {
    send: (message) => outbox.send(message),
    ask: (event, payload = {}) => peer.ask(event, payload),
    on: (event, listener) => peer.on(event, listener),
    join: () => peer.join(),
    get unacknowledged() {
      return outbox.unacknowledged()
    },
    get token() {
      return textOf(peer.welcome?.token)
    },
    get clientId() {
      return textOf(peer.welcome?.clientId)
    },
    close: async () => {
      closing.abort(new OperatorError('chat_client_closed', 'the chat client is closed', { retryable: true }))
      peer.close()
      await outbox.close()
      await staying
    },
  }
}

const eventOf = (join: ChatClientOptions['join'], message: QueuedMessage): readonly [string, object] => {
  const type = message.type ?? (message.image == null ? 'text' : 'image')
  if (join.role === 'client') return ['clientMessage', { ...message, type }]
  const { operatorId = null, name: operatorName } = join
  return ['operatorMessage', { ...message, type, operatorId, operatorName }]
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
