import * as z from 'zod/mini'
import { $ZodError } from 'zod/v4/core'

/** A chat server, as its `/readyz` shows it. */
export interface ChatServer {
  readonly url: string
  /** Whether it takes messages, into the database or its journal. */
  readonly isReady: boolean
  /** Whether it takes them into its journal. */
  readonly isQueueing: boolean
  /** Why it does not store messages in the database; null when it does. */
  readonly reason: string | null
  /** Messages in its journal; null without a journal, or where the server does not say. */
  readonly journalled: number | null
}

const PATIENCE_MS = 2_000

// A stranger to the server gets `ok` only.
const Answer = z.object({
  ok: z.boolean(),
  code: z.optional(z.string()),
  destination: z.optional(z.enum(['database', 'journal'])),
  waiting: z.optional(z.number()),
})

/** Asks the servers, all at the same time. A server that does not answer is not ready. */
export const askServers = (urls: readonly string[], signal: AbortSignal): Promise<readonly ChatServer[]> =>
  Promise.all(urls.map((url) => askServer(url, signal)))

const askServer = async (url: string, signal: AbortSignal): Promise<ChatServer> => {
  try {
    const response = await fetch(new URL('/readyz', url), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
      redirect: 'error',
    })
    const { ok, code, destination, waiting = null } = Answer.parse(await response.json())
    const reason = code ?? (ok ? null : 'it does not say why')
    return { url, isReady: ok, isQueueing: destination === 'journal', reason, journalled: waiting }
  } catch (error) {
    signal.throwIfAborted()
    return { url, isReady: false, isQueueing: false, reason: reasonOf(error), journalled: null }
  }
}

// fetch hides the network's error in the cause of its own.
const reasonOf = (error: unknown): string => {
  if (error instanceof DOMException && error.name === 'TimeoutError') return `no answer within ${PATIENCE_MS / 1_000} s`
  if (error instanceof $ZodError || error instanceof SyntaxError) return 'the answer is not that of a chat server'
  const { cause = error } = error instanceof Error ? error : {}
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause ? String(cause.code) : cause.message
}
