import { randomUUID } from 'node:crypto'
import { OperatorError } from '../errors.js'
import { mayBeStoredAfter } from '../protocol/error-codes.js'
import type { Answer } from './chat-connection.js'
import { ChatClientClosed, MessageRefused, MessageUnanswered } from './chat-errors.js'
import type { AttemptOutcome, OnAttempt } from './chat-peer.js'

/** A message as the socket protocol has it. */
export interface OutgoingChatMessage {
  /** `image` when absent and there is one, else `text`. */
  readonly type?: 'text' | 'image' | undefined
  readonly message?: string | null | undefined
  /** A URL or a data URL. */
  readonly image?: string | null | undefined
  readonly name?: string | null | undefined
  readonly mimeType?: string | null | undefined
  readonly size?: number | null | undefined
  /** The conversation that an operator writes into. */
  readonly to?: string | undefined
  /** The idempotency key, unique for its sender; made when absent. */
  readonly messageId?: string | undefined
}

export type QueuedMessage = OutgoingChatMessage & { readonly messageId: string }

/** What the server said of a message that it keeps. */
export interface KeptMessage {
  readonly messageId: string
  /** Id of the row; null while the message waits in the server's journal. */
  readonly id: number | null
  /** It was stored already when it was sent; said only of a first attempt, since a later one may meet an earlier. */
  readonly duplicate: boolean
  /** It waits in the server's journal, which is on disk, for the database. */
  readonly queued: boolean
  /** How often it was sent. */
  readonly attempts: number
}

/** Keeps messages in order until each has got its answer. */
export interface Outbox {
  send(message: OutgoingChatMessage): Promise<KeptMessage>
  unacknowledged(): readonly QueuedMessage[]
  /** Rejects what is left, and waits for what is under way to end. */
  close(): Promise<void>
}

interface Entry {
  readonly message: QueuedMessage
  readonly resolve: (kept: KeptMessage) => void
  readonly reject: (error: unknown) => void
  attempts: number
  /** How many attempts may have stored it. */
  unknown: number
}

/** @param deliver asks until the server has answered for good */
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
      const messageId = message.messageId ?? randomUUID()
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

const note = (entry: Entry, outcome: AttemptOutcome, code = ''): void => {
  if (outcome === 'sent') {
    entry.attempts += 1
    entry.unknown += 1
  }
  if (outcome === 'refused' && !mayBeStoredAfter(code)) entry.unknown -= 1
}

const keptOf = ({ message: { messageId }, attempts, unknown }: Entry, answer: Answer): KeptMessage => {
  if (!answer.ok) throw new MessageRefused(answer.error.code, answer.error.message, messageId, unknown > 0)
  const id = typeof answer.id === 'number' ? answer.id : null
  return { messageId, id, duplicate: answer.duplicate === true, queued: answer.queued === true, attempts }
}

const endOf = ({ message, unknown }: Entry, error: unknown): unknown =>
  error instanceof OperatorError && !(error instanceof MessageRefused)
    ? new MessageUnanswered(error, message.messageId, unknown > 0)
    : error
