import { OperatorError } from '../errors.js'
import { mayBeStoredAfter } from '../protocol/error-codes.js'
import type { Answer } from './answer.js'
import { ChatClientClosed, MessageRefused, MessageUnanswered } from './chat-errors.js'
import type { AttemptOutcome, OnAttempt } from './chat-peer.js'

/** A message as defined by the socket protocol. */
export interface OutgoingChatMessage {
  /** When absent: `image` if there is an image, else `text`. */
  readonly type?: 'text' | 'image' | undefined
  readonly message?: string | null | undefined
  /** A URL or a data URL. */
  readonly image?: string | null | undefined
  readonly name?: string | null | undefined
  readonly mimeType?: string | null | undefined
  readonly size?: number | null | undefined
  /** The conversation that an operator writes into. */
  readonly to?: string | undefined
  /** The idempotency key, unique per sender; created when absent. */
  readonly messageId?: string | undefined
}

export type QueuedMessage = OutgoingChatMessage & { readonly messageId: string }

/** The server's answer to a message that it keeps. */
export interface KeptMessage {
  readonly messageId: string
  /**
   * For a guest an opaque id, which the message keeps; for an operator the id of its row. Null while the message waits in the
   * server's journal.
   */
  readonly id: number | string | null
  /** The message was stored before this call; never true after a second attempt, which may find the first. */
  readonly duplicate: boolean
  /** The message is in the server's journal on disk and waits for the database. */
  readonly queued: boolean
  /** Number of times it was sent. */
  readonly attempts: number
}

/** Holds messages in order until each has its answer. */
export interface Outbox {
  send(message: OutgoingChatMessage): Promise<KeptMessage>
  unacknowledged(): readonly QueuedMessage[]
  /** Rejects the remaining messages and waits for the one being sent to end. */
  close(): Promise<void>
}

interface Entry {
  readonly message: QueuedMessage
  readonly resolve: (kept: KeptMessage) => void
  readonly reject: (error: unknown) => void
  attempts: number
  /** Number of attempts that may have stored it. */
  unknown: number
}

/** @param deliver sends a message until there is a final answer */
export const createOutbox = (deliver: (message: QueuedMessage, onAttempt: OnAttempt) => Promise<Answer>): Outbox => {
  // A Set keeps the order in which its members were added.
  const entries = new Set<Entry>()
  let working: Promise<void> | undefined
  let isClosed = false

  const settle = async (entry: Entry): Promise<void> => {
    try {
      entry.resolve(keptOf(entry, await deliver(entry.message, (...attempt) => note(entry, ...attempt))))
    } catch (error) {
      entry.reject(endOf(entry, error))
    }
  }

  const work = async (): Promise<void> => {
    for (const entry of entries) {
      if (isClosed) return
      await settle(entry)
      entries.delete(entry)
    }
    working = undefined
  }

  return {
    send: (message) => {
      const messageId = message.messageId ?? newMessageId()
      if (isClosed) return Promise.reject(new ChatClientClosed(messageId, false, [messageId]))
      return new Promise((resolve, reject) => {
        entries.add({ message: { ...message, messageId }, resolve, reject, attempts: 0, unknown: 0 })
        working ??= work()
      })
    },
    unacknowledged: () => Array.from(entries, ({ message }) => message),
    close: async () => {
      isClosed = true
      const messageIds = Array.from(entries, ({ message }) => message.messageId)
      for (const { message, reject, unknown } of entries) {
        reject(new ChatClientClosed(message.messageId, unknown > 0, messageIds))
      }
      await working
      entries.clear()
    },
  }
}

/** `crypto.randomUUID` is missing from pages without TLS. */
const newMessageId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

const note = (entry: Entry, outcome: AttemptOutcome, code = ''): void => {
  if (outcome === 'sent') {
    entry.attempts += 1
    entry.unknown += 1
  }
  if (outcome === 'refused' && !mayBeStoredAfter(code)) entry.unknown -= 1
}

const keptOf = ({ message: { messageId }, attempts, unknown }: Entry, answer: Answer): KeptMessage => {
  if (!answer.ok) throw new MessageRefused(answer.error.code, answer.error.message, messageId, unknown > 0)
  const id = typeof answer.id === 'number' || typeof answer.id === 'string' ? answer.id : null
  return { messageId, id, duplicate: answer.duplicate === true, queued: answer.queued === true, attempts }
}

const endOf = ({ message, unknown }: Entry, error: unknown): unknown =>
  error instanceof OperatorError && !(error instanceof MessageRefused)
    ? new MessageUnanswered(error, message.messageId, unknown > 0)
    : error
