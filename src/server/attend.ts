import * as z from 'zod'
import { createAnswer, toWireError } from './answering.js'
import type { Chat, ChatSocket, Seat } from './chat.js'
import type { Drain } from './drain.js'
import { guestListeners } from './guest-events.js'
import { historyListeners } from './history.js'
import { joinListeners } from './join.js'
import type { ChatLimits } from './limits.js'
import { operatorListeners } from './operator-events.js'
import { leave } from './presence.js'
import type { Quota } from './quota.js'
import { invalidPacket, neverJoined, unknownEvent } from './refusals.js'
import { createSerialQueue } from './serial-queue.js'
import { endWhenUnread } from './slow-reader.js'

/** What all sockets of a server share, before each gets its way of answering. */
export interface ChatHouse extends Omit<Chat, 'answer'> {
  readonly drain: Drain
  readonly limits: ChatLimits
  readonly createQuota: () => Quota
}

/** Serves one socket from its connection to its end. */
export const attend = (house: ChatHouse, socket: ChatSocket): void => {
  const { drain, limits, log } = house
  const chat: Chat = { ...house, answer: createAnswer({ drain, log, quota: house.createQuota() }) }
  const seat: Seat = { socket, inOrder: createSerialQueue() }
  const listeners = new Map(
    [joinListeners, guestListeners, operatorListeners, historyListeners].flatMap((listenersOf) =>
      Object.entries(listenersOf(chat, seat)),
    ),
  )
  for (const [event, listener] of listeners) socket.on(event, listener)

  const refuse = chat.answer('unknown', z.unknown(), () => {
    throw unknownEvent()
  })
  socket.onAny((event: string, ...args: unknown[]) => {
    if (!listeners.has(event)) refuse(...args)
  })
  socket.on('error', (error) => endInvalid(house, socket, error))
  endWhenUnread(socket.conn, limits.maxUnreadCharacters, () =>
    log.warn({ event: 'slow_reader', socket: socket.id }, 'a connection was ended: it does not read what it is sent'),
  )
  const waitsForJoin = setTimeout(() => endUnjoined(house, socket), limits.joinTimeoutMs)
  log.debug({ event: 'connected', socket: socket.id, transport: socket.conn.transport.name }, 'a socket connected')
  socket.on('disconnect', (reason) => {
    clearTimeout(waitsForJoin)
    leave(chat, socket)
    log.debug({ event: 'disconnected', socket: socket.id, reason }, 'a socket disconnected')
  })
}

// Socket.IO ends the connection after it. A client may send an event of the same name, but no Error in it.
const endInvalid = ({ log }: ChatHouse, socket: ChatSocket, error: unknown): void => {
  if (!(error instanceof Error)) return
  log.warn({ event: 'invalid_packet', socket: socket.id }, 'a connection was ended: it sent what is no packet')
  socket.emit('refused', toWireError(invalidPacket()))
}

// The connection, not the socket: a page that is not ready to join yet comes back by itself.
const endUnjoined = ({ limits, log }: ChatHouse, socket: ChatSocket): void => {
  if (socket.data.participant !== undefined) return
  log.debug({ event: 'join_timeout', socket: socket.id }, 'a connection was ended: nobody joined')
  socket.emit('refused', toWireError(neverJoined(limits.joinTimeoutMs)))
  socket.conn.close()
}
