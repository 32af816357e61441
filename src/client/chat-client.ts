import { guarded } from '../application-callback.js'
import { quoted } from '../check-options.js'
import { asyncClosable, type AsyncClosable, type NotYetClosable } from '../closable.js'
import { OperatorError } from '../errors.js'
import { parseChatUrl } from './chat-address.js'
import type { Answer } from './answer.js'
import { createChatPeer } from './chat-peer.js'
import {
  checkClientOptions,
  checkListener,
  checkOutgoing,
  checkRequest,
  type ChatClientOptions,
} from './client-options.js'
import { createOutbox, type KeptMessage, type OutgoingChatMessage, type QueuedMessage } from './outbox.js'

export type { ChatAttempt, ChatClientOptions, GuestIdentity, OperatorIdentity } from './client-options.js'

/** A guest or operator at a chat server. Holds every message until the server has acknowledged it. */
export interface ChatClient extends AsyncClosable {
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
   * @throws InvalidCall for a name that Socket.IO reserves, such as `disconnect`; OperatorError `chat_server_unreachable`,
   *   `chat_client_closed`, or the server's last retryable refusal
   */
  ask(event: string, payload?: object): Promise<Answer>
  /** Listens to an event that the server emits, such as `incomingMessage`. @returns a function that removes the listener */
  on(event: string, listener: (payload: unknown) => void): () => void
  /**
   * Resolves to the server's answer to the join. The client joins again automatically after every reconnect.
   * @throws OperatorError as `ask`
   */
  join(): Promise<Answer>
  /** The messages that are not acknowledged, in order, each with its `messageId`. */
  readonly unacknowledged: readonly QueuedMessage[]
  /** A guest's token, to continue the conversation later; undefined before the first join. */
  readonly token: string | undefined
  /** The name of a guest's conversation; undefined before the first join. */
  readonly clientId: string | undefined
  /** Ends the connection for good; unacknowledged messages reject with ChatClientClosed, which lists all of them. */
  close(): Promise<void>
}

const ANSWER_TIMEOUT_MS = 10_000

/** Creates a client, which connects and joins at once and stays joined until it is closed. @throws InvalidCall `invalid_chat_url` or `invalid_option` */
export const createChatClient = (options: ChatClientOptions): ChatClient => {
  checkClientOptions(options)
  const { url, join, answerTimeoutMs = ANSWER_TIMEOUT_MS, patienceMs = Infinity } = options
  const onAttempt = options.onAttempt && guarded('onAttempt', options.onAttempt)
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

  return asyncClosable<NotYetClosable<ChatClient>>({
    send: async (message) => {
      checkOutgoing(message)
      return outbox.send(message)
    },
    ask: async (event, payload = {}) => {
      checkRequest(event, payload)
      return peer.ask(event, payload)
    },
    on: (event, listener) => {
      checkListener(event, listener)
      return peer.on(event, guarded(`on(${quoted(event)})`, listener))
    },
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
  })
}

const eventOf = (join: ChatClientOptions['join'], message: QueuedMessage): readonly [string, object] => {
  const type = message.type ?? (message.image == null ? 'text' : 'image')
  if (join.role === 'client') return ['clientMessage', { ...message, type }]
  const { operatorId = null, name: operatorName } = join
  return ['operatorMessage', { ...message, type, operatorId, operatorName }]
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
