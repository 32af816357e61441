import * as z from 'zod'
import type { Chat, ChatSocket, Seat } from './chat.js'
import { guestListeners } from './guest-events.js'
import { historyListeners } from './history.js'
import { joinListeners } from './join.js'
import { operatorListeners } from './operator-events.js'
import { leave } from './presence.js'
import { unknownEvent } from './refusals.js'
import { createSerialQueue } from './serial-queue.js'

/** Serves one socket from its connection to its end. */
export const attend = (chat: Chat, socket: ChatSocket): void => {
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
  socket.on('disconnect', () => leave(chat, socket))
}
