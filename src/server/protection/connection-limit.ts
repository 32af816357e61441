import type { ChatLog } from '../../chat-log.js'
import { tooManyConnections } from '../../protocol/refusals.js'
import type { ChatIo } from '../chat-io.js'

/** Middleware that refuses sockets beyond a number of connections. The connection itself is accepted, to deliver the reason. */
export const limitConnections =
  (most: number, io: ChatIo, log: ChatLog): Parameters<ChatIo['use']>[0] =>
  (socket, next) => {
    if (io.engine.clientsCount <= most) {
      next()
      return
    }
    log.warn({ event: 'too_many_connections', most }, 'connection refused: limit reached')
    const { code, message, retryable } = tooManyConnections(most)
    next(Object.assign(new Error(message), { data: { code, retryable } }))
    // The refusal is written after this turn; `close` still sends what is buffered by then.
    setImmediate(() => socket.conn.close())
  }
