import { io, type Socket } from 'socket.io-client'

/** As much of an acknowledgement as is looked at here. */
export interface Ack {
  readonly ok: boolean
  readonly id?: number
  readonly queued?: boolean
  readonly duplicate?: boolean
  readonly error?: { readonly code: string; readonly message: string }
}

const ANSWER_TIMEOUT_MS = 5_000

/** Sends one event once. @returns undefined when there was no answer within five seconds */
export const emit = async (socket: Socket, event: string, payload: object): Promise<Ack | undefined> => {
  const answer: unknown = await socket
    .timeout(ANSWER_TIMEOUT_MS)
    .emitWithAck(event, payload)
    .catch(() => undefined)
  return answer as Ack | undefined
}

/** A socket without any patience, joined once. */
export const openSocket = async (url: string, join: object): Promise<Socket> => {
  const { origin, pathname } = new URL(url)
  const socket = io(origin, { path: pathname, forceNew: true, transports: ['websocket'] })
  await emit(socket, 'join', join)
  return socket
}
