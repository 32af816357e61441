import * as z from 'zod'
import { createAnswer } from './events/answering.js'
import { toWireError } from './events/wire-error.js'
import type { ChatSocket } from './chat-io.js'
import type { InFlight } from '../concurrency/in-flight.js'
import { guestListeners } from './events/guest-events.js'
import { historyListeners } from './events/history-events.js'
import { joinListeners } from './events/join.js'
import type { ChatLimits } from './protection/limits.js'
import { operatorListeners } from './events/operator-events.js'
import { leave } from './cluster/presence.js'
import type { Quota } from './protection/quota.js'
import { invalidPacket, joinTimeout, unknownEvent } from '../protocol/refusals.js'
import { createSerialQueue } from '../concurrency/serial-queue.js'
import { endWhenUnread } from './protection/slow-reader.js'
import type { ServerContext, SocketSession } from './events/server-context.js'

/** What all sockets of a server share, before each gets its way of answering. */
export interface ServerParts extends Omit<ServerContext, 'answer'> {
  readonly inFlight: InFlight
  readonly limits: ChatLimits
  readonly createQuota: () => Quota
}

/** Serves one socket from its connection to its end. */
export const serveSocket = (parts: ServerParts, socket: ChatSocket): void => {
  const { inFlight, limits, log } = parts
  const chat: ServerContext = { ...parts, answer: createAnswer({ inFlight, log, quota: parts.createQuota() }) }
  const session: SocketSession = { socket, inOrder: createSerialQueue() }
  const listeners = new Map(
    [joinListeners, guestListeners, operatorListeners, historyListeners].flatMap((listenersOf) =>
      Object.entries(listenersOf(chat, session)),
    ),
  )
  for (const [event, listener] of listeners) socket.on(event, listener)

  const refuse = chat.answer('unknown', z.unknown(), () => {
    throw unknownEvent()
  })
  socket.onAny((event: string, ...args: unknown[]) => {
    if (!listeners.has(event)) refuse(...args)
  })
  socket.on('error', (error) => endInvalid(parts, socket, error))
  endWhenUnread(socket.conn, limits.maxUnreadCharacters, () =>
    log.warn({ event: 'slow_reader', socket: socket.id }, 'a connection was ended: it does not read what it is sent'),
  )
  const waitsForJoin = setTimeout(() => endUnjoined(parts, socket), limits.joinTimeoutMs)
  log.debug({ event: 'connected', socket: socket.id, transport: socket.conn.transport.name }, 'a socket connected')
  socket.on('disconnect', (reason) => {
    clearTimeout(waitsForJoin)
    leave(chat, socket)
    log.debug({ event: 'disconnected', socket: socket.id, reason }, 'a socket disconnected')
  })
}

// Socket.IO ends the connection after it. A client may send an event of the same name, but no Error in it.
const endInvalid = ({ log }: ServerParts, socket: ChatSocket, error: unknown): void => {
  if (!(error instanceof Error)) return
  log.warn({ event: 'invalid_packet', socket: socket.id }, 'a connection was ended: it sent what is no packet')
  socket.emit('refused', toWireError(invalidPacket()))
}

// The connection, not the socket: a page that is not ready to join yet comes back by itself.
const endUnjoined = ({ limits, log }: ServerParts, socket: ChatSocket): void => {
  if (socket.data.participant !== undefined) return
  log.debug({ event: 'join_timeout', socket: socket.id }, 'a connection was ended: nobody joined')
  socket.emit('refused', toWireError(joinTimeout(limits.joinTimeoutMs)))
  socket.conn.close()
}
