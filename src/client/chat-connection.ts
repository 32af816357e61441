import { io, type Socket } from 'socket.io-client'
import * as z from 'zod'
import { connectionFailureReason } from '../database/connection-failure.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { ChatAddress } from './chat-address.js'

const answerSchema = z.discriminatedUnion('ok', [
  z.looseObject({ ok: z.literal(true) }),
  z.looseObject({
    ok: z.literal(false),
    error: z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean().optional() }),
  }),
])

/** What the server answers to every event that asks for something. */
export type Answer = z.infer<typeof answerSchema>

/** A connection to a chat server that is made again whenever it was cut. */
export interface ChatConnection {
  /** Another one after every cut; undefined while there is no connection. */
  id(): string | undefined
  /** Resolves to whether there is a connection: at once, within the time, or when the server refuses to have this one now. */
  waitUntilConnected(timeoutMs: number): Promise<boolean>
  /** Resolves when there is no connection, or not any more. */
  untilDisconnected(): Promise<void>
  /**
   * Asks once, and waits for the answer no longer than this.
   * @returns undefined when there was no answer: what became of the event nobody knows
   * @throws OperatorError `not_a_chat_server`
   */
  emit(event: string, payload: object, timeoutMs: number): Promise<Answer | undefined>
  /** Tells of one event that the server emits by itself. @returns what takes the listener away */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** Why the last attempt to connect failed. */
  problem(): string
  close(): void
}

/** Starts connecting at once. @param signal when it fires, nobody waits for a connection for long any more */
export const openChatConnection = (address: ChatAddress, signal: AbortSignal): ChatConnection => {
  // `retries` stays off: it gives up in silence. Whoever asks repeats, and giving up is an error there.
  const socket = io(address.origin, {
    path: address.path,
    forceNew: true,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 1_000,
  })
  let problem = 'it did not answer in time'
  socket.on('connect_error', (error) => (problem = problemOf(error)))

  return {
    id: () => socket.id,
    problem: () => problem,
    waitUntilConnected: async (timeoutMs) => {
      if (socket.connected) return true
      // Socket.IO does not come back by itself when it was the server who ended the connection.
      if (!socket.active) socket.connect()
      return waitForConnection(
        socket,
        signal.aborted ? Math.min(timeoutMs, PATIENCE_WHEN_STOPPING_MS) : timeoutMs,
        signal,
      )
    },
    untilDisconnected: async () => {
      if (socket.connected) await new Promise((resolve) => socket.once('disconnect', resolve))
    },
    emit: async (event, payload, timeoutMs) => {
      // Socket.IO would keep it and send it on the next connection, before the join.
      if (!socket.connected) return undefined
      const answer: unknown = await socket.timeout(timeoutMs).emitWithAck(event, payload).catch(asNoAnswer)
      if (answer === undefined) return undefined
      const { success, data, error } = answerSchema.safeParse(answer)
      if (success) return data
      throw notAChatServer(address, error)
    },
    on: (event, listener) => {
      socket.on(event, listener)
      return () => socket.off(event, listener)
    },
    close: () => {
      socket.disconnect()
    },
  }
}

/** Enough for a server that is there. */
const PATIENCE_WHEN_STOPPING_MS = 1_000

const waitForConnection = (socket: Socket, timeoutMs: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer)
      socket.off('connect', settle)
      socket.off('connect_error', settleWhenRefused)
      signal.removeEventListener('abort', settle)
      resolve(socket.connected)
    }
    // Socket.IO goes on by itself after everything else that may keep it from connecting.
    const settleWhenRefused = (): void => {
      if (!socket.active) settle()
    }
    const timer = setTimeout(settle, timeoutMs)
    socket.on('connect_error', settleWhenRefused)
    socket.once('connect', settle)
    signal.addEventListener('abort', settle)
  })

/** The two errors of `emitWithAck`, a time-out and a cut, say the same. */
const asNoAnswer = (): undefined => undefined

const notAChatServer = ({ url }: ChatAddress, cause: unknown): OperatorError =>
  new OperatorError('not_a_chat_server', `what answers at ${url} does not speak the protocol of chatkeep serve`, {
    cause,
    exitCode: ExitCode.unreachable,
  })

/** What Socket.IO's HTTP transport leaves in its errors, which their types do not say. */
interface TransportError extends Error {
  readonly context?: { readonly status?: number; readonly statusText?: unknown }
}

const problemOf = (error: TransportError): string => {
  const { status, statusText } = error.context ?? {}
  if (statusText instanceof Error) return connectionFailureReason(statusText) ?? statusText.message
  return status === undefined || status === 0 ? error.message : `it answers with HTTP status ${status}`
}
