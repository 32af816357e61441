import { OperatorError } from '../errors.js'
import { parseChatUrl } from './chat-address.js'
import type { Answer } from './chat-connection.js'
import { createChatPeer, type AttemptOutcome } from './chat-peer.js'
import { createOutbox, type KeptMessage, type OutgoingChatMessage, type QueuedMessage } from './outbox.js'

export interface ChatClientOptions {
  /** The URL that `chatkeep serve` prints, e.g. `http://127.0.0.1:3001/chat`. */
  readonly url: string
  readonly join: GuestIdentity | OperatorIdentity
  /** Time until an unanswered message is sent again, in ms; 10,000 when absent. */
  readonly answerTimeoutMs?: number | undefined
  /** Time until the promise of a message rejects, in ms; unlimited when absent. */
  readonly patienceMs?: number | undefined
  /** Called for every attempt to send a message, at its start and at its end. */
  readonly onAttempt?: ((attempt: ChatAttempt) => void) | undefined
}

export interface GuestIdentity {
  readonly role: 'client'
  readonly username: string
  readonly phone?: string | null | undefined
  /** The token of an earlier visit, which continues its conversation. */
  readonly token?: string | undefined
}

export interface OperatorIdentity {
  readonly role: 'operator'
  readonly name: string
  readonly operatorId?: number | null | undefined
  /** The server's operator secret. */
  readonly token: string
}

/** One step of an attempt: `sent`, then one of the other outcomes. */
export interface ChatAttempt {
  readonly messageId: string
  /** Counts from 1. */
  readonly attempt: number
  readonly outcome: AttemptOutcome
  /** The server's error code when it refused. */
  readonly code?: string | undefined
}

/** A guest or operator at a chat server. Holds every message until the server has acknowledged it. */
export interface ChatClient {
  /**
   * Sends a message after the earlier ones, one at a time. After a lost connection, a time-out or a retryable refusal it is sent
   * again with the same `messageId`, until there is a final answer. A guest writes into its own conversation; an operator's message
   * needs `to`.
   * @throws MessageRefused; MessageUnanswered after `patienceMs`; in both cases the next message is sent
   * @throws ChatClientClosed
   */
  send(message: OutgoingChatMessage): Promise<KeptMessage>
  /**
   * Sends another event, such as `history`, `recentChats` or `markRead`, and repeats it while the server cannot answer. Does not
   * wait for the messages.
   * @throws OperatorError `chat_server_unreachable`, or the server's last retryable refusal
   */
  ask(event: string, payload?: object): Promise<Answer>
  /** Listens to an event that the server emits, such as `incomingMessage`. @returns a function that removes the listener */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** Resolves to the server's answer to the join. The client joins again automatically after every reconnect. */
  join(): Promise<Answer>
  /** The messages that are not acknowledged, in order, each with its `messageId`. */
  readonly unacknowledged: readonly QueuedMessage[]
  /** A guest's token, to continue the conversation later; undefined before the first join. */
  readonly token: string | undefined
  /** The name of a guest's conversation; undefined before the first join. */
  readonly clientId: string | undefined
  /** Ends the connection; unacknowledged messages reject with ChatClientClosed, which lists all of them. */
  close(): Promise<void>
}

const ANSWER_TIMEOUT_MS = 10_000

/** Creates a client, which connects and joins at once and stays joined until it is closed. @throws OperatorError `invalid_chat_url` */
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
  // The next request reports what ended it.
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
