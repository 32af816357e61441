import type { IncomingMessage } from 'node:http'
import { OperatorError } from '../../errors.js'
import type { ChatIo, ChatIoServer, ChatSocket } from '../chat-io.js'
import type { ConnectionPlace, ConnectionPools } from './connection-pools.js'

type Connection = ChatSocket['conn']

/** Where a connection comes from, and its place in the pools. */
export interface Admitted {
  readonly address: string
  readonly place: ConnectionPlace
}

/** Long enough for a client to ask for the reason of its refusal. */
const REFUSED_STAY_MS = 1_000

/**
 * Refuses connections for which there is no place. The connection itself is accepted for a moment, to deliver the reason.
 * @returns the place of a socket that was not refused
 */
export const limitConnections = (
  server: ChatIoServer,
  io: ChatIo,
  pools: ConnectionPools,
  addressOf: (request: IncomingMessage) => string,
): ((socket: ChatSocket) => Admitted) => {
  const admitted = new WeakMap<Connection, Admitted | OperatorError>()
  server.engine.on('connection', (connection: Connection) => {
    const outcome = admit(pools, addressOf(connection.request))
    admitted.set(connection, outcome)
    if (outcome instanceof OperatorError) {
      const timer = setTimeout(() => connection.close(true), REFUSED_STAY_MS)
      connection.once('close', () => clearTimeout(timer))
    } else connection.once('close', () => outcome.place.leave())
  })
  const admittedOf = ({ conn }: ChatSocket): Admitted | OperatorError => {
    const outcome = admitted.get(conn)
    if (outcome === undefined) throw new TypeError('a socket without a connection')
    return outcome
  }
  io.use((socket, next) => {
    const outcome = admittedOf(socket)
    if (!(outcome instanceof OperatorError)) {
      next()
      return
    }
    next(toConnectError(outcome))
    // The refusal is written after this turn; `close` still sends what is buffered by then.
    setImmediate(() => socket.conn.close())
  })
  return (socket) => {
    const outcome = admittedOf(socket)
    if (outcome instanceof OperatorError) throw outcome
    return outcome
  }
}

/**
 * The same for the sockets of a namespace, whose connections the application uses for others, too.
 * @returns the place of a socket that was not refused
 */
export const limitSockets = (
  io: ChatIo,
  pools: ConnectionPools,
  addressOf: (request: IncomingMessage) => string,
): ((socket: ChatSocket) => Admitted) => {
  const admitted = new WeakMap<ChatSocket, Admitted>()
  io.use((socket, next) => {
    const outcome = admit(pools, addressOf(socket.request))
    if (outcome instanceof OperatorError) {
      next(toConnectError(outcome))
      return
    }
    const leave = (): void => outcome.place.leave()
    // Another middleware may still refuse the socket, which then never disconnects.
    socket.conn.once('close', leave)
    socket.once('disconnect', () => {
      socket.conn.off('close', leave)
      leave()
    })
    admitted.set(socket, outcome)
    next()
  })
  return (socket) => {
    const place = admitted.get(socket)
    if (place === undefined) throw new TypeError('a socket that passed no middleware')
    return place
  }
}

/** What a client gets as its `connect_error`. */
export const toConnectError = ({ code, message, retryable }: OperatorError): Error =>
  Object.assign(new Error(message), { data: { code, retryable } })

const admit = (pools: ConnectionPools, address: string): Admitted | OperatorError => {
  try {
    return { address, place: pools.enter(address) }
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
}
