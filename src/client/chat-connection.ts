import type { Socket } from 'socket.io-client'
import { onAbort } from '../concurrency/abortable.js'
import { connectionFailureReason } from '../database/connection-failure.js'
import { ExitCode, OperatorError } from '../errors.js'
import { isAnswer, type Answer } from './answer.js'
import type { ChatAddress } from './chat-address.js'

/** A connection to a chat server, which reconnects automatically. */
export interface ChatConnection {
  /** Changes with every reconnect; undefined while there is no connection. */
  id(): string | undefined
  /**
   * Resolves to whether there is a connection: at once, within the time, or when the server refuses the connection. After `close`
   * there is none.
   */
  waitUntilConnected(timeoutMs: number): Promise<boolean>
  /** Resolves when there is no connection. */
  untilDisconnected(): Promise<void>
  /**
   * Sends an event once and waits for its answer.
   * @returns undefined when there was no answer in time: the outcome is unknown
   * @throws OperatorError `not_a_chat_server`
   */
  emit(event: string, payload: object, timeoutMs: number): Promise<Answer | undefined>
  /** Listens to an event that the server emits. @returns a function that removes the listener */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** Why the last attempt to connect failed. */
  problem(): string
  close(): void
}

/**
 * Starts connecting at once. Socket.IO is loaded for it: who only imports chatkeep does not wait for what takes longer to load than
 * the driver of PostgreSQL.
 * @param signal when it fires, waits for a connection become short
 */
export const openChatConnection = (address: ChatAddress, signal: AbortSignal): ChatConnection => {
  const listeners = new Set<readonly [event: string, listener: (payload: unknown) => void]>()
  let problem = 'it did not answer in time'
  let socket: Socket | undefined
  let isClosed = false

  const open = async (): Promise<void> => {
    const { io } = await import('socket.io-client')
    if (isClosed) return
    // Without `retries`, which gives up silently: the caller repeats, and reports an error when it gives up.
    socket = io(address.origin, {
      path: address.path,
      forceNew: true,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 1_000,
    })
    socket.on('connect_error', (error) => (problem = problemOf(error)))
    for (const [event, listener] of listeners) socket.on(event, listener)
  }
  const opening = open().catch((error: unknown) => {
    problem = `socket.io-client cannot be loaded: ${String(error)}`
  })

  return {
    id: () => socket?.id,
    problem: () => problem,
    waitUntilConnected: async (timeoutMs) => {
      await opening
      if (socket === undefined || isClosed) return false
      if (socket.connected) return true
      // Socket.IO does not reconnect when the server ended the connection.
      if (!socket.active) socket.connect()
      return waitForConnection(
        socket,
        signal.aborted ? Math.min(timeoutMs, PATIENCE_WHEN_STOPPING_MS) : timeoutMs,
        signal,
      )
    },
    untilDisconnected: async () => {
      if (socket?.connected === true) await new Promise((resolve) => socket?.once('disconnect', resolve))
    },
    emit: async (event, payload, timeoutMs) => {
      // Socket.IO would buffer the event and send it on the next connection, before the join.
      if (socket?.connected !== true) return undefined
      const answer: unknown = await socket.timeout(timeoutMs).emitWithAck(event, payload).catch(asNoAnswer)
      if (answer === undefined || isAnswer(answer)) return answer
      throw notAChatServer(address)
    },
    on: (event, listener) => {
      const entry = [event, listener] as const
      listeners.add(entry)
      socket?.on(event, listener)
      return () => {
        listeners.delete(entry)
        socket?.off(event, listener)
      }
    },
    close: () => {
      isClosed = true
      socket?.disconnect()
    },
  }
}

/** Enough for a running server. */
const PATIENCE_WHEN_STOPPING_MS = 1_000

const waitForConnection = (socket: Socket, timeoutMs: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer)
      socket.off('connect', settle)
      socket.off('connect_error', settleWhenRefused)
      stopListening?.()
      resolve(socket.connected)
    }
    // After every other failure Socket.IO tries again.
    const settleWhenRefused = (): void => {
      if (!socket.active) settle()
    }
    const timer = setTimeout(settle, timeoutMs)
    socket.on('connect_error', settleWhenRefused)
    socket.once('connect', settle)
    const stopListening = signal.aborted ? undefined : onAbort(signal, settle)
  })

/** Both errors of `emitWithAck`, time-out and lost connection, mean that there is no answer. */
const asNoAnswer = (): undefined => undefined

const notAChatServer = ({ url }: ChatAddress): OperatorError =>
  new OperatorError('not_a_chat_server', `the server at ${url} does not speak the protocol of chatkeep serve`, {
    exitCode: ExitCode.unreachable,
  })

/** Fields of the errors of Socket.IO's HTTP transport, which its types do not declare. */
interface TransportError extends Error {
  readonly context?: { readonly status?: number; readonly statusText?: unknown }
}

const problemOf = (error: TransportError): string => {
  const { status, statusText } = error.context ?? {}
  if (statusText instanceof Error) return connectionFailureReason(statusText) ?? statusText.message
  return status === undefined || status === 0 ? error.message : `it answered with HTTP status ${status}`
}
